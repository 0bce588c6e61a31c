// SPDX-License-Identifier: MIT
#include "targets/ipc/pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"

namespace ipc {
namespace {

using pipewrench::Guard;

constexpr int kChildSaysYes = 0;
constexpr int kChildSaysNo = 1;

// Runs `child` in a forked process and returns true if it said yes.
template <class Child>
pid_t fork_child(Child child) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(child() ? kChildSaysYes : kChildSaysNo);
  return pid;
}

bool said_yes(pid_t pid) {
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) && WEXITSTATUS(status) == kChildSaysYes;
}

TEST(Pipe, ends_are_close_on_exec_and_non_blocking) {
  const Guard guard;
  const Pipe pipe = make_pipe().value();
  for (const int fd : {pipe.reader.get(), pipe.writer.get()}) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST(Pipe, every_fault_of_making_one_is_a_value) {
  const Guard guard;
  for (std::uint8_t skip = 0; skip < 2; ++skip)
    for (std::uint8_t choice = 1; choice <= 2; ++choice) {
      const auto choices = pipewrench::fault_at(skip, choice);
      const pipewrench::Faults faults(choices);
      const Result<TwoWay> session = TwoWay::make();
      ASSERT_FALSE(session.has_value());
      EXPECT_EQ(session.error().kind, Kind::no_space);
    }
  const auto choices = pipewrench::fault_at(0, 1);
  const pipewrench::Faults faults(choices);
  EXPECT_FALSE(OneWay::make().has_value());
}

TEST(OneWay, the_reader_sees_the_end_when_the_child_ends) {
  OneWay session = OneWay::make().value();
  const pid_t child = fork_child([&] {
    Sender out = std::move(session).keep_writer();
    return out.send({.type = 3, .payload = "hello"}, Deadline::never()).has_value();
  });
  Receiver in = std::move(session).keep_reader();
  EXPECT_EQ(in.receive(Deadline::never()).value(), (Message{3, "hello"}));
  EXPECT_FALSE(in.receive(Deadline::never()).value().has_value());
  EXPECT_TRUE(said_yes(child));
}

TEST(OneWay, the_writer_sees_that_the_child_is_gone_and_lives) {
  OneWay session = OneWay::make().value();
  const pid_t child = fork_child([&] {
    Receiver in = std::move(session).keep_reader();
    return in.receive(Deadline::never()).has_value();
  });
  Sender out = std::move(session).keep_writer();
  EXPECT_TRUE(out.send({.type = 1, .payload = "one"}, Deadline::never()));
  EXPECT_TRUE(said_yes(child));
  EXPECT_EQ(out.send({.type = 1, .payload = "two"}, Deadline::never()).error().kind,
            Kind::peer_gone);
}

TEST(TwoWay, both_sides_talk_and_see_the_end) {
  TwoWay session = TwoWay::make().value();
  const pid_t child = fork_child([&] {
    Duplex side = std::move(session).keep_second();
    for (;;) {
      Result<std::optional<Message>> message = side.in.receive(Deadline::never());
      if (!message) return false;
      if (!message->has_value()) return true;
      if (!side.out.send({.type = (*message)->type + 1, .payload = "world"}, Deadline::never()))
        return false;
    }
  });
  Duplex side = std::move(session).keep_first();
  for (long type = 0; type < 5; ++type) {
    ASSERT_TRUE(side.out.send({.type = type, .payload = "hello"}, Deadline::never()));
    EXPECT_EQ(side.in.receive(Deadline::never()).value(), (Message{type + 1, "world"}));
  }
  side.out.close();
  EXPECT_FALSE(side.in.receive(Deadline::never()).value().has_value());
  EXPECT_TRUE(said_yes(child));
}

TEST(TwoWay, each_side_keeps_only_its_own_ends) {
  const Guard guard;
  TwoWay session = TwoWay::make().value();
  Duplex first = std::move(session).keep_first();
  // The second side's ends were closed with it: nobody else can read or write.
  EXPECT_EQ(first.out.send({.type = 1, .payload = ""}, Deadline::now()).error().kind,
            Kind::peer_gone);
  EXPECT_FALSE(first.in.receive(Deadline::now()).value().has_value());
}

TEST(Session, a_moved_side_goes_on) {
  const Guard guard;
  Pipe pipe = make_pipe().value();
  Sender out(std::move(pipe.writer));
  Sender moved = std::move(out);
  Receiver in(std::move(pipe.reader));
  EXPECT_GE(moved.fd(), 0);
  EXPECT_GE(in.fd(), 0);
  EXPECT_TRUE(moved.send({.type = 1, .payload = "a"}, Deadline::now()));
  EXPECT_TRUE(moved.flush(Deadline::now()));
  EXPECT_EQ(moved.unsent(), 0u);
  EXPECT_EQ(in.receive(Deadline::now()).value()->payload, "a");
  EXPECT_EQ(in.held(), 0u);
  in.close();
  EXPECT_EQ(moved.send({.type = 1, .payload = "a"}, Deadline::now()).error().kind, Kind::peer_gone);
}

}  // namespace
}  // namespace ipc
