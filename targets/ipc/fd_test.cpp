// SPDX-License-Identifier: MIT
#include "targets/ipc/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "harness/inproc/faults.h"

namespace ipc {
namespace {

Fd any() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

TEST(fd, closes_at_its_end) {
  int number = -1;
  {
    const Fd fd = any();
    ASSERT_TRUE(fd);
    number = fd.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(fd, has_one_owner_after_a_move) {
  Fd first = any();
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_FALSE(
      first);  // NOLINT(bugprone-use-after-move): what a move leaves is part of the promise
  EXPECT_EQ(second.get(), number);
  Fd third = any();
  const int closed = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(is_open(closed));
}

TEST(fd, survives_a_move_onto_itself) {
  Fd fd = any();
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(fd, released_is_the_callers) {
  Fd fd = any();
  const int number = fd.release();
  fd.close();
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

// On Linux the descriptor is gone; a second close() could hit another thread's new one (close(2)).
TEST(fd, never_retries_close) {
  for (const std::uint8_t choice : {std::uint8_t{1}, std::uint8_t{2}}) {
    Fd fd = any();
    const int number = fd.get();
    const auto choices = pipewrench::fault_at(0, choice);
    pipewrench::Faults faults(choices, pipewrench::Realism::posix);
    fd.close();
    EXPECT_EQ(faults.calls(), 1u);
    EXPECT_EQ(faults.played().size(), 1u);
    EXPECT_FALSE(fd);
    EXPECT_FALSE(is_open(number));
  }
}

}  // namespace
}  // namespace ipc
