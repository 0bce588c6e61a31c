// SPDX-License-Identifier: MIT
#include "harness/intake/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

namespace pipewrench {
namespace {

TEST(Child, SaysWhatItSaid) {
  const auto run =
      run_child({"/bin/sh", "-c", "printf $A; printf b >&2; exit 3"}, {"A=a"}, "/", {});
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output, "ab");
  EXPECT_TRUE(WIFEXITED(run->status) && WEXITSTATUS(run->status) == 3);
}

TEST(Child, IsBounded) {
  const auto run =
      run_child({"/usr/bin/yes"}, {}, "/", {.timeout_ms = 200, .most_output_bytes = 100});
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output.size(), 100U);
  EXPECT_TRUE(run->timed_out);
  EXPECT_TRUE(WIFSIGNALED(run->status));
}

TEST(Child, OneThatLeavesAnotherDoesNotHold) {
  const auto run = run_child({"/bin/sh", "-c", "cat /dev/zero >/dev/null & echo out"}, {}, "/", {});
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output, "out\n");
  EXPECT_FALSE(run->timed_out);
}

TEST(Child, ThatIsNoneSaysWhy) {
  const auto run = run_child({"/no/such"}, {}, "/", {});
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error(), "/no/such: No such file or directory");
}

}  // namespace
}  // namespace pipewrench
