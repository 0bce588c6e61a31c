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
  EXPECT_EQ(minimised("aaaaaaaaaa{bbbbbbbbbb}cccccccc", {.shows_same = has_both}), "{}");
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
  const std::string small = minimised(input + "rest", {.shows_same = fails, .unit_bytes = 8});
  EXPECT_EQ(small, std::string("\5\0\0\0\0\0\0\0\5\0\4\0\0\0\0\0", 16));
}

TEST(Minimise, ANameAmongMany) {
  const auto fails = [](const std::string& input) {
    return input.size() == 8 && input[0] % 3 == 1;
  };
  const Minimise how{.shows_same = fails, .unit_bytes = 8, .other_operations = true};
  EXPECT_EQ(minimised(std::string("\x10\0\0\0\0\0\0\0", 8), how)[0], 1);
}

TEST(Minimise, AsksNoMoreThanItMay) {
  std::uint32_t asked = 0;
  const Minimise how{.shows_same = [&](const std::string&) { return ++asked, asked % 2 == 0; },
                     .most_tries = 20};
  minimised(std::string(1000, 'x'), how);
  EXPECT_EQ(asked, 20U);
}

}  // namespace
}  // namespace pipewrench
