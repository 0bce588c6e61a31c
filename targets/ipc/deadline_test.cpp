// SPDX-License-Identifier: MIT
#include "targets/ipc/deadline.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <climits>

#include "harness/inproc/virtual_time.h"

namespace ipc {
namespace {

using namespace std::chrono_literals;
using pipewrench::VirtualTime;

TEST(deadline, now_waits_for_nothing_and_is_expired) {
  EXPECT_TRUE(Deadline::now().is_now());
  EXPECT_TRUE(Deadline::now().expired());
  EXPECT_EQ(Deadline::now().poll_timeout_ms(), 0);
}

TEST(deadline, never_does_not_expire) {
  EXPECT_TRUE(Deadline::never().is_never());
  EXPECT_FALSE(Deadline::never().expired());
  EXPECT_EQ(Deadline::never().poll_timeout_ms(), -1);
}

TEST(deadline, after_counts_down_and_expires) {
  const VirtualTime time;
  const Deadline deadline = Deadline::after(250ms);
  EXPECT_FALSE(deadline.is_now());
  EXPECT_EQ(deadline.poll_timeout_ms(), 250);
  ::poll(nullptr, 0, 100);
  EXPECT_EQ(deadline.poll_timeout_ms(), 150);
  EXPECT_EQ(deadline.remaining().tv_nsec, 150'000'000);
  EXPECT_FALSE(deadline.expired());
  ::poll(nullptr, 0, 200);
  EXPECT_TRUE(deadline.expired());
  EXPECT_EQ(deadline.poll_timeout_ms(), 0);
}

// Rounded down, a poll() would return too early and the caller would spin for the rest.
TEST(deadline, poll_timeout_rounds_up) {
  const VirtualTime time;
  const Deadline deadline = Deadline::after(2ms);
  const timespec wait{.tv_sec = 0, .tv_nsec = 1};
  ::ppoll(nullptr, 0, &wait, nullptr);
  EXPECT_EQ(deadline.poll_timeout_ms(), 2);
}

TEST(deadline, extreme_waits_are_bounded) {
  const VirtualTime time;
  EXPECT_TRUE(Deadline::after(-5ms).expired());
  const Deadline longest = Deadline::after(std::chrono::milliseconds::max());
  EXPECT_EQ(longest.poll_timeout_ms(), INT_MAX);
  EXPECT_FALSE(longest.is_never());
}

}  // namespace
}  // namespace ipc
