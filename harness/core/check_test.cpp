// SPDX-License-Identifier: MIT
#include "harness/core/check.h"

#include <gtest/gtest.h>

namespace {

TEST(check, passes_over_what_holds) { CHECK(1 + 1 == 2); }

TEST(check_death, aborts_with_place_and_condition) {
  EXPECT_DEATH(CHECK(1 + 1 == 3), "check_test.cpp:[0-9]+: CHECK failed: 1 \\+ 1 == 3");
}

}  // namespace
