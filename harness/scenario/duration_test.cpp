// SPDX-License-Identifier: MIT
#include "harness/scenario/duration.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

TEST(duration, is_a_number_and_a_unit) {
  EXPECT_EQ(parse_duration("10s"), 10'000'000'000u);
  EXPECT_EQ(parse_duration("500ms"), 500'000'000u);
  EXPECT_EQ(parse_duration("5min"), 300'000'000'000u);
  EXPECT_EQ(parse_duration("1h"), 3'600'000'000'000u);
  EXPECT_EQ(parse_duration("7ns"), 7u);
  for (const char* text : {"", "s", "10", "10 s", "1.5s", "-1s", "0s", "10sec", "1m",
                           "99999999999s", "99999999999999999999s"})
    EXPECT_EQ(parse_duration(text), 0u) << text;
}

TEST(duration, is_printed_in_its_largest_whole_unit) {
  for (const char* text : {"1ns", "1500ms", "90s", "61min", "24h"})
    EXPECT_EQ(print_duration(parse_duration(text)), text);
  EXPECT_EQ(print_duration(parse_duration("60s")), "1min");
  EXPECT_EQ(parse_duration(print_duration(kMaxDurationNs)), kMaxDurationNs);
}

}  // namespace
}  // namespace pipewrench
