// SPDX-License-Identifier: MIT
#include "targets/ipc/io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <climits>
#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/pipe.h"

namespace ipc {
namespace {

using End = Transfer::End;
using pipewrench::Call;
using pipewrench::Guard;
using pipewrench::VirtualTime;

constexpr IoPolicy kOurs = kPipePolicy;
constexpr IoPolicy kReport{.access = Access::nonblocking, .on_signal = OnSignal::report};
constexpr std::size_t kCapacity = 65536;

Deadline soon() { return Deadline::after(std::chrono::milliseconds(5)); }

// Plays fault `index` of a row at the first wrapped call of the operation.
struct Played {
  explicit Played(std::uint8_t index)
      : choices(pipewrench::fault_at(0, static_cast<std::uint8_t>(index + 1))), faults(choices) {}
  std::array<std::uint8_t, 256> choices;
  pipewrench::Faults faults;
};

std::uint8_t index_of(Call call, int error_number) {
  const auto faults = pipewrench::row(call).faults;
  std::uint8_t index = 0;
  for (const pipewrench::Fault& fault : faults) {
    if (fault.realism != pipewrench::Realism::linux_) continue;
    if (fault.error_number == error_number) return index;
    ++index;
  }
  ADD_FAILURE() << "no such fault";
  return 0;
}

class Io : public ::testing::Test {
 protected:
  void fill() {
    EXPECT_EQ(write_all(out(), std::string(kCapacity, 'f'), Deadline::now(), kOurs).bytes,
              kCapacity);
  }
  void make_blocking() {
    ::fcntl(in(), F_SETFL, 0);
    ::fcntl(out(), F_SETFL, 0);
  }
  int in() const { return pipe_.reader.get(); }
  int out() const { return pipe_.writer.get(); }

  Guard guard_;
  VirtualTime time_;
  Pipe pipe_ = make_pipe().value();
};

TEST_F(Io, read_some_returns_what_is_there) {
  std::array<char, 8> buffer{};
  EXPECT_EQ(write_all(out(), "abc", Deadline::now(), kOurs).bytes, 3u);
  EXPECT_EQ(read_some(in(), buffer, Deadline::now(), kOurs).value(), 3u);
  EXPECT_EQ(std::string_view(buffer.data(), 3), "abc");
}

TEST_F(Io, read_some_says_zero_at_the_end_and_never_an_error) {
  std::array<char, 8> buffer{};
  pipe_.writer.close();
  for (const IoPolicy& policy : {kOurs, IoPolicy{}})
    EXPECT_EQ(read_some(in(), buffer, Deadline::never(), policy).value(), 0u);
}

TEST_F(Io, transfers_of_nothing_touch_nothing) {
  EXPECT_EQ(read_some(-1, {}, Deadline::never()).value(), 0u);
  EXPECT_EQ(write_some(-1, "", Deadline::never()).value(), 0u);
  EXPECT_TRUE(write_all(-1, "", Deadline::never()).complete());
  EXPECT_TRUE(read_exact(-1, {}, Deadline::never()).complete());
}

TEST_F(Io, expiry_is_would_block_for_now_and_timed_out_otherwise) {
  std::array<char, 8> buffer{};
  fill();
  Pipe empty = make_pipe().value();
  for (const IoPolicy& policy : {kOurs, IoPolicy{}}) {
    EXPECT_EQ(read_some(empty.reader.get(), buffer, Deadline::now(), policy).error().kind,
              Kind::would_block);
    EXPECT_EQ(read_some(empty.reader.get(), buffer, soon(), policy).error().kind, Kind::timed_out);
    EXPECT_EQ(write_some(out(), "x", Deadline::now(), policy).error().kind, Kind::would_block);
    EXPECT_EQ(write_some(out(), "x", soon(), policy).error().kind, Kind::timed_out);
  }
}

TEST_F(Io, never_outlives_the_deadline_on_a_blocking_descriptor) {
  make_blocking();
  const Transfer done = write_all(out(), std::string(kCapacity + 10, 'x'), soon());
  EXPECT_EQ(done.end, End::failed);
  EXPECT_EQ(done.bytes, kCapacity);
  EXPECT_EQ(done.error.kind, Kind::timed_out);
}

TEST_F(Io, never_switches_a_foreign_descriptor) {
  make_blocking();
  std::array<char, 8> buffer{};
  EXPECT_FALSE(read_some(in(), buffer, Deadline::now()).has_value());
  EXPECT_TRUE(write_some(out(), "x", Deadline::now()).has_value());
  EXPECT_EQ(::fcntl(in(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(out(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(Io, foreign_writes_stay_within_pipe_buf) {
  make_blocking();
  EXPECT_EQ(write_some(out(), std::string(3 * PIPE_BUF, 'x'), Deadline::now()).value(),
            static_cast<std::size_t>(PIPE_BUF));
}

TEST_F(Io, write_all_reports_how_much_went) {
  const Transfer done = write_all(out(), std::string(kCapacity + 100, 'x'), Deadline::now(), kOurs);
  EXPECT_EQ(done.end, End::failed);
  EXPECT_EQ(done.bytes, kCapacity);
  EXPECT_EQ(done.error.kind, Kind::would_block);
}

TEST_F(Io, write_all_goes_on_after_a_short_write) {
  const std::string text(1000, 'x');
  Played shortened(index_of(Call::write, 0));
  EXPECT_EQ(write_all(out(), text, Deadline::now(), kOurs).bytes, text.size());
  ASSERT_EQ(shortened.faults.played().size(), 1u);
  std::string back(1000, '\0');
  EXPECT_TRUE(read_exact(in(), back, Deadline::now(), kOurs).complete());
  EXPECT_EQ(back, text);
}

TEST_F(Io, read_exact_tells_a_clean_end_from_a_cut_record) {
  std::array<char, 8> buffer{};
  EXPECT_TRUE(write_all(out(), "12345678abc", Deadline::now(), kOurs).complete());
  EXPECT_EQ(read_exact(in(), buffer, Deadline::now(), kOurs).end, End::complete);
  pipe_.writer.close();
  const Transfer cut = read_exact(in(), buffer, Deadline::now(), kOurs);
  EXPECT_EQ(cut.end, End::eof_inside);
  EXPECT_EQ(cut.bytes, 3u);
  EXPECT_EQ(read_exact(in(), buffer, Deadline::now(), kOurs).end, End::eof);
}

TEST_F(Io, read_exact_keeps_count_when_it_times_out) {
  std::array<char, 8> buffer{};
  EXPECT_TRUE(write_all(out(), "abc", Deadline::now(), kOurs).complete());
  const Transfer done = read_exact(in(), buffer, soon(), kOurs);
  EXPECT_EQ(done.end, End::failed);
  EXPECT_EQ(done.bytes, 3u);
  EXPECT_EQ(done.error.kind, Kind::timed_out);
}

TEST_F(Io, waits_anew_when_poll_ends_before_the_deadline) {
  // poll(2) cannot wait longer than INT_MAX milliseconds at once.
  const Deadline far = Deadline::after(std::chrono::milliseconds(INT_MAX) * 2);
  EXPECT_EQ(wait_ready(in(), POLLIN, far).error().kind, Kind::timed_out);
  EXPECT_GE(VirtualTime::elapsed_ns(), 2 * static_cast<std::int64_t>(INT_MAX) * 1'000'000);
}

TEST_F(Io, read_retries_eintr) {
  make_blocking();
  std::array<char, 8> buffer{};
  EXPECT_TRUE(write_some(out(), "a", Deadline::now()).has_value());
  const auto second =
      pipewrench::fault_at(1, static_cast<std::uint8_t>(index_of(Call::read, EINTR) + 1));
  pipewrench::Faults faults(second);
  EXPECT_EQ(read_some(in(), buffer, Deadline::never()).value(), 1u);
  EXPECT_EQ(faults.played().size(), 1u);
}

TEST_F(Io, poll_retries_eintr) {
  Played interrupted(index_of(Call::poll, EINTR));
  EXPECT_EQ(wait_ready(in(), POLLIN, soon()).error().kind, Kind::timed_out);
  EXPECT_EQ(interrupted.faults.calls(), 2u);
}

TEST_F(Io, reports_eintr_where_the_policy_says_so) {
  make_blocking();
  std::array<char, 8> buffer{};
  EXPECT_TRUE(write_some(out(), "a", Deadline::now()).has_value());
  const auto second =
      pipewrench::fault_at(1, static_cast<std::uint8_t>(index_of(Call::read, EINTR) + 1));
  const IoPolicy report{.access = Access::foreign, .on_signal = OnSignal::report};
  {
    pipewrench::Faults faults(second);
    EXPECT_EQ(read_some(in(), buffer, Deadline::never(), report).error().kind, Kind::interrupted);
  }
  Played interrupted(index_of(Call::poll, EINTR));
  EXPECT_EQ(wait_ready(in(), POLLIN, soon(), OnSignal::report).error().kind, Kind::interrupted);
}

TEST_F(Io, a_closed_descriptor_is_a_bad_argument) {
  std::array<char, 8> buffer{};
  const int closed = in();
  pipe_.reader.close();
  EXPECT_EQ(wait_ready(closed, POLLIN, Deadline::never()).error().kind, Kind::bad_argument);
  EXPECT_EQ(read_some(closed, buffer, Deadline::never(), kOurs).error().kind, Kind::bad_argument);
}

TEST_F(Io, epipe_is_a_value) {
  pipe_.reader.close();
  for (const IoPolicy& policy : {kOurs, kReport, IoPolicy{}}) {
    const Result<std::size_t> written = write_some(out(), "x", Deadline::never(), policy);
    ASSERT_FALSE(written.has_value());
    EXPECT_EQ(written.error().kind, Kind::peer_gone);
    EXPECT_EQ(written.error().number, EPIPE);
  }
}

TEST_F(Io, sockets_never_raise_sigpipe_and_never_block) {
  std::array<int, 2> fds{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  Fd ours(fds[0]);
  Fd theirs(fds[1]);
  constexpr IoPolicy kSocket{.access = Access::socket, .on_signal = OnSignal::retry};
  std::array<char, 8> buffer{};
  EXPECT_EQ(read_some(ours.get(), buffer, Deadline::now(), kSocket).error().kind,
            Kind::would_block);
  EXPECT_EQ(read_some(ours.get(), buffer, soon(), kSocket).error().kind, Kind::timed_out);
  EXPECT_EQ(write_some(ours.get(), "abc", Deadline::now(), kSocket).value(), 3u);
  EXPECT_EQ(read_some(theirs.get(), buffer, Deadline::now(), kSocket).value(), 3u);
  theirs.close();
  EXPECT_EQ(write_some(ours.get(), "abc", Deadline::now(), kSocket).error().kind, Kind::peer_gone);
}

// Every fault of every wrapped call, at the first, second, ... call, until a run plays none.
TEST_F(Io, survives_every_fault_at_every_call) {
  for (const IoPolicy& policy : {kOurs, kReport, IoPolicy{}})
    for (std::uint8_t choice = 1; choice <= 5; ++choice) {
      bool played = true;
      for (std::uint8_t skip = 0; played; ++skip) {
        const Guard nothing_leaks;
        Pipe pipe = make_pipe().value();
        const auto choices = pipewrench::fault_at(skip, choice);
        pipewrench::Faults faults(choices);
        std::string back(6000, '\0');
        const Transfer sent = write_all(pipe.writer.get(), std::string(6000, 'x'), soon(), policy);
        const Transfer read =
            read_exact(pipe.reader.get(), std::span(back).first(sent.bytes), soon(), policy);
        EXPECT_LE(read.bytes, sent.bytes);
        if (sent.complete() && read.complete()) {
          EXPECT_EQ(back, std::string(6000, 'x'));
        }
        played = !faults.played().empty();
      }
    }
}

}  // namespace
}  // namespace ipc
