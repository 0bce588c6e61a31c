// SPDX-License-Identifier: MIT
#include "harness/intake/minimise.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pipewrench {
namespace {

TEST(Minimise, KeepsTheBytesThatMatter) {
  const auto has_both = [](const std::string& input) {
    const auto first = input.find('{');
    return first != std::string::npos && input.find('}', first) != std::string::npos;
  };
  EXPECT_EQ(minimised("aaaaaaaaaa{bbbbbbbbbb}cccccccc", {.first_same = one_by_one(has_both)}),
            "{}");
}

TEST(Minimise, DropsWholeOperationsAndTheirFaults) {
  // Fails once operation 5 was done twice, the second time with its flag.
  const auto fails = [](const std::string& input) {
    int count = 0;
    for (std::size_t at = 0; at + 8 <= input.size(); at += 8)
      if (input[at] == 5 && (++count < 2 || (input[at + 2] & 4) != 0) && count == 2) return true;
    return false;
  };
  std::string input;
  for (const char op : {'\1', '\5', '\2', '\3', '\5', '\4'})
    input += std::string({op, 1, 7, 3, 9, 9, 9, 9});
  const std::string small =
      minimised(input + "rest", {.first_same = one_by_one(fails), .unit_bytes = 8});
  EXPECT_EQ(small, std::string("\5\0\0\0\0\0\0\0\5\0\4\0\0\0\0\0", 16));
}

TEST(Minimise, ANameAmongMany) {
  const auto fails = [](const std::string& input) {
    return input.size() == 8 && input[0] % 3 == 1;
  };
  const Minimise how{.first_same = one_by_one(fails), .unit_bytes = 8, .other_operations = true};
  EXPECT_EQ(minimised(std::string("\x10\0\0\0\0\0\0\0", 8), how)[0], 1);
}

// Neither of the two can go alone.
TEST(Minimise, TwoOperationsMayOnlyChangeTogether) {
  const auto fails = [](const std::string& input) {
    if (input.size() != 24 || input[16] != 2) return false;
    const bool is_other = input[0] == 1 && input[1] == 0 && input[8] == 7 && input[9] == 1;
    const bool is_plain = input[0] == 1 && input[1] == 1 && input[8] == 1 && input[9] == 0;
    return is_other || is_plain;
  };
  const Minimise how{.first_same = one_by_one(fails), .unit_bytes = 8, .other_operations = true};
  const std::string zeros(6, '\0');
  EXPECT_EQ(
      minimised("\1" + std::string(1, '\0') + zeros + "\7\1" + zeros + "\2\1" + zeros, how),
      "\1\1" + zeros + "\1" + std::string(1, '\0') + zeros + "\2" + std::string(1, '\0') + zeros);
}

TEST(Minimise, AsksNoMoreThanItMay) {
  std::uint32_t asked = 0;
  const Minimise how{
      .first_same = one_by_one([&](const std::string&) { return ++asked, asked % 2 == 0; }),
      .most_tries = 20};
  minimised(std::string(1000, 'x'), how);
  EXPECT_EQ(asked, 20U);
}

TEST(Minimise, AsksOfManyAtOnce) {
  std::size_t calls = 0;
  const auto has_last = [](const std::string& input) { return input.ends_with('z'); };
  const auto first_same = [&, one = one_by_one(has_last)](const std::vector<std::string>& inputs) {
    return ++calls, one(inputs);
  };
  EXPECT_EQ(minimised(std::string(64, 'a') + "z", {.first_same = first_same}), "z");
  EXPECT_LT(calls, 30U);
}

TEST(Parts, AreAllOfAShortInputFewestFirst) {
  EXPECT_EQ(parts_of("aabbcc", 2),
            (std::vector<std::string>{"aa", "bb", "cc", "aabb", "aacc", "bbcc"}));
  EXPECT_TRUE(parts_of("aa", 2).empty());
  EXPECT_TRUE(parts_of("", 2).empty());
}

TEST(Parts, AnOperationWithLessIsOne) {
  const auto parts = parts_of(std::string("\1\0\0\3\0\0\0\0", 8), 8);
  EXPECT_EQ(parts, (std::vector<std::string>{std::string("\1\0\0\0\0\0\0\0", 8)}));
}

TEST(OtherEnds, AreNoneAndThosePlainer) {
  const std::string rest(6, '\0'), first = "\5\1" + rest + "\6\1" + rest;
  const std::string zero(1, '\0');
  EXPECT_EQ(other_ends_of(first + "\2\1\7" + rest.substr(1), 8),
            (std::vector<std::string>{first, first + zero + zero + rest, first + zero + "\1" + rest,
                                      first + "\1" + zero + rest, first + "\1\1" + rest}));
  EXPECT_TRUE(other_ends_of(first, 8).empty());
  EXPECT_TRUE(other_ends_of("plain bytes with no records", 1).empty());
}

TEST(Parts, OfALongInputAreWithoutOneAndItsBeginnings) {
  const auto parts = parts_of("abcdefgh", 1);
  EXPECT_EQ(parts.front(), "a");
  EXPECT_EQ(parts.back(), "bcdefgh");
  EXPECT_EQ(parts.size(), 14U);
}

}  // namespace
}  // namespace pipewrench
