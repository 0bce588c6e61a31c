// SPDX-License-Identifier: MIT
#include "targets/ipc/sigpipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

#include "harness/inproc/faults.h"
#include "targets/ipc/io.h"
#include "targets/ipc/pipe.h"

namespace ipc {
namespace {

bool is_pending() {
  sigset_t set;
  sigpending(&set);
  return sigismember(&set, SIGPIPE) == 1;
}

bool is_blocked() {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, SIGPIPE) == 1;
}

sighandler_t disposition() {
  struct sigaction action{};
  sigaction(SIGPIPE, nullptr, &action);
  return action.sa_handler;
}

Fd writer_without_reader() {
  Pipe pipe = make_pipe().value();
  return std::move(pipe.writer);
}

Kind kind_of_write(const Fd& writer) {
  return write_some(writer.get(), "x", Deadline::now(), kPipePolicy).error().kind;
}

TEST(Sigpipe, a_write_without_reader_leaves_no_signal_and_no_trace) {
  const Fd writer = writer_without_reader();
  ASSERT_EQ(disposition(), SIG_DFL) << "the default would end this test";
  EXPECT_EQ(kind_of_write(writer), Kind::peer_gone);
  EXPECT_FALSE(is_pending());
  EXPECT_FALSE(is_blocked());
  EXPECT_EQ(disposition(), SIG_DFL);
}

TEST(Sigpipe, keeps_the_mask_of_a_caller_that_blocks_it) {
  const Fd writer = writer_without_reader();
  sigset_t set;
  sigset_t old;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, &old);
  EXPECT_EQ(kind_of_write(writer), Kind::peer_gone);
  EXPECT_FALSE(is_pending()) << "the signal that we caused is consumed";
  EXPECT_TRUE(is_blocked());
  pthread_kill(pthread_self(), SIGPIPE);
  EXPECT_EQ(kind_of_write(writer), Kind::peer_gone);
  EXPECT_TRUE(is_pending()) << "the signal that was pending before stays";
  const timespec at_once{};
  EXPECT_EQ(sigtimedwait(&set, nullptr, &at_once), SIGPIPE);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

TEST(Sigpipe, works_where_the_program_ignores_it) {
  const Fd writer = writer_without_reader();
  struct sigaction ignore{};
  struct sigaction old{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &old);
  EXPECT_EQ(kind_of_write(writer), Kind::peer_gone);
  EXPECT_EQ(disposition(), SIG_IGN);
  sigaction(SIGPIPE, &old, nullptr);
}

TEST(Sigpipe, survives_every_fault_of_the_wait) {
  for (std::uint8_t choice = 1; choice <= 2; ++choice) {
    const Fd writer = writer_without_reader();
    const auto choices = pipewrench::fault_at(1, choice);  // call 0 is the write
    const pipewrench::Faults faults(choices);
    EXPECT_EQ(kind_of_write(writer), Kind::peer_gone);
    EXPECT_FALSE(is_pending());
  }
}

TEST(Sigpipe, consume_keeps_errno) {
  SigpipeBlock block;
  pthread_kill(pthread_self(), SIGPIPE);
  errno = EPIPE;
  block.consume();
  EXPECT_EQ(errno, EPIPE);
  EXPECT_FALSE(is_pending());
}

}  // namespace
}  // namespace ipc
