// SPDX-License-Identifier: MIT
#include "harness/core/printable.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

TEST(printable, is_one_line_of_ascii) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable("a\n\t\"b\"\\"), R"(a\n\t\"b\"\\)");
  EXPECT_EQ(printable("\x1b[31m\x7f\xc3\xa9"), R"(\x1b[31m\x7f\xc3\xa9)");
  EXPECT_EQ(printable(std::string_view("\0", 1)), R"(\x00)");
}

TEST(printable, says_what_it_leaves_out) {
  EXPECT_EQ(printable("abc", 3), "abc");
  EXPECT_EQ(printable("abcd", 3), "abc...");
}

}  // namespace
}  // namespace pipewrench
