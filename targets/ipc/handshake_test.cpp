// SPDX-License-Identifier: MIT
#include "targets/ipc/handshake.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <fstream>
#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/fifo.h"
#include "targets/ipc/signal.h"
#include "targets/ipc/test_support.h"
#include "targets/ipc/wait.h"

namespace ipc {
namespace {

using namespace std::chrono_literals;
using pipewrench::Faults;
using pipewrench::Guard;
using pipewrench::VirtualTime;

ProcessId id_of(const Child& child) { return *identify(child.pid()); }

struct Ends {
  Ends() : fifo(*Fifo::create(dir / "fifo")) {
    reader = *fifo.listen();
    writer = *fifo.open_writer(Deadline::now());
  }
  void put(std::span<const char> bytes) {
    EXPECT_EQ(::write(writer.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  TempDir dir;
  Fifo fifo;
  Fd reader, writer;
};

TEST(Handshake, decode_gives_what_encode_took) {
  const ProcessId id{.pid = INT_MAX, .start_ticks = UINT64_MAX};
  EXPECT_EQ(*decode_greeting(encode_greeting(id)), id);
}

TEST(Handshake, every_changed_bit_is_corrupt) {
  const auto good = encode_greeting({.pid = 12345, .start_ticks = 67890});
  for (std::size_t bit = 0; bit < kGreetingBytes * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(decode_greeting(bad).error().kind, Kind::corrupt) << bit;
  }
}

TEST(Handshake, every_other_length_is_refused) {
  std::array<char, kGreetingBytes + 1> bytes{};
  const auto good = encode_greeting({.pid = 12345, .start_ticks = 67890});
  std::memcpy(bytes.data(), good.data(), good.size());
  for (std::size_t size = 0; size < kGreetingBytes; ++size)
    EXPECT_EQ(decode_greeting({bytes.data(), size}).error().kind, Kind::truncated);
  EXPECT_EQ(decode_greeting(bytes).error().kind, Kind::corrupt);
}

TEST(Handshake, numbers_that_mean_many_processes_are_never_a_peer) {
  for (const pid_t pid : {1, 0, -1, -::getpid(), INT_MIN}) {
    const ProcessId id{.pid = pid, .start_ticks = 1};
    EXPECT_EQ(decode_greeting(encode_greeting(id)).error().kind, Kind::corrupt);
    EXPECT_EQ(Peer::verify(id).error().kind, Kind::bad_argument);
  }
  EXPECT_EQ(decode_greeting(encode_greeting({.pid = 2})).error().kind, Kind::corrupt);
  EXPECT_EQ(Peer::verify({.pid = ::getppid()}).error().kind, Kind::bad_argument);
}

TEST(Handshake, a_peer_is_signalled_and_its_end_is_seen) {
  Child child([] {
    auto signals = BlockedSignals::block({SIGUSR1});
    const auto signal = signals->wait(Deadline::never());
    ::_exit(signal && signal->sender == ::getppid() ? 7 : 8);
  });
  const auto peer = Peer::verify(id_of(child));
  ASSERT_TRUE(peer) << peer.error().describe();
  EXPECT_EQ(peer->pid(), child.pid());
  EXPECT_EQ(peer->id(), id_of(child));
  // Sent before it is blocked it would end the child: stop only when the mask is seen.
  const std::string status = "/proc/" + std::to_string(child.pid()) + "/status";
  for (std::string line; line != "SigBlk:\t0000000000000200";) {
    std::ifstream file(status);
    while (std::getline(file, line) && !line.starts_with("SigBlk:")) continue;
  }
  EXPECT_TRUE(peer->notify(SIGUSR1));
  EXPECT_TRUE(wait_readable({peer->fd()}, Deadline::never()));
  EXPECT_FALSE(peer->alive());
  EXPECT_EQ(peer->notify(SIGUSR1).error().kind, Kind::peer_gone);  // a zombie
  int ended = 0;
  ::waitpid(child.pid(), &ended, 0);
  EXPECT_EQ(WEXITSTATUS(ended), 7);
  EXPECT_EQ(peer->notify(SIGUSR1).error().kind, Kind::peer_gone);
}

TEST(Handshake, refuses_numbers_that_are_no_signal) {
  Child child;
  const auto peer = Peer::verify(id_of(child));
  for (const int number : {0, -1, SIGRTMAX + 1, INT_MAX})
    EXPECT_EQ(peer->notify(number).error().kind, Kind::bad_argument);
  EXPECT_TRUE(peer->alive());
}

TEST(Handshake, a_recycled_pid_is_stale_and_never_signalled) {
  Child child;
  ProcessId earlier = id_of(child);
  --earlier.start_ticks;
  EXPECT_EQ(Peer::verify(earlier).error().kind, Kind::stale);
}

TEST(Handshake, another_users_process_is_refused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make one";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  static int announce;
  announce = ready[1];
  Child child([] {
    if (::setuid(12345) != 0) ::_exit(1);
    (void)!::write(announce, "x", 1);
  });
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Peer::verify(id_of(child)).error().kind, Kind::permission);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(Handshake, the_dead_are_gone_whether_reaped_or_not) {
  Child child;
  const ProcessId id = id_of(child);
  child.end_unreaped();
  EXPECT_EQ(Peer::verify(id).error().kind, Kind::peer_gone);
  child.reap();
  EXPECT_EQ(Peer::verify(id).error().kind, Kind::peer_gone);
}

TEST(Handshake, meets_a_child_through_a_fifo) {
  Ends ends;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ends.reader.close();
    auto signals = BlockedSignals::block({SIGTERM});
    if (!greet(ends.writer, Deadline::never())) ::_exit(1);
    ::_exit(signals->wait(Deadline::never())->number == SIGTERM ? 0 : 2);
  }
  ends.writer.close();
  const auto peer = meet(ends.reader, Deadline::never());
  ASSERT_TRUE(peer) << peer.error().describe();
  EXPECT_EQ(peer->pid(), pid);
  EXPECT_TRUE(peer->notify(SIGTERM));
  int status = -1;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Handshake, its_own_greeting_is_no_peer) {
  Ends ends;
  ASSERT_TRUE(greet(ends.writer, Deadline::now()));
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::bad_argument);
}

TEST(Handshake, a_dead_writers_greeting_is_skipped_for_the_next) {
  Ends ends;
  Child dead, living;
  const auto first = encode_greeting(id_of(dead));
  const auto second = encode_greeting(id_of(living));
  dead.end();
  dead.reap();
  ends.put(first);
  ends.put(second);
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::peer_gone);
  EXPECT_EQ(meet(ends.reader, Deadline::now())->pid(), living.pid());
}

TEST(Handshake, no_greeting_is_would_block_or_timed_out) {
  const VirtualTime time;
  Ends ends;
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(meet(ends.reader, Deadline::after(1s)).error().kind, Kind::timed_out);
}

TEST(Handshake, an_end_is_gone_and_an_end_inside_is_truncated) {
  Ends ends;
  const auto whole = encode_greeting({.pid = 2, .start_ticks = 1});
  ends.put(std::span(whole).first(5));
  ends.writer.close();
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::truncated);
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::peer_gone);
}

TEST(Handshake, garbage_is_corrupt) {
  Ends ends;
  ends.put(std::array<char, kGreetingBytes>{});
  EXPECT_EQ(meet(ends.reader, Deadline::now()).error().kind, Kind::corrupt);
}

TEST(Handshake, greeting_nobody_is_a_value_and_no_sigpipe) {
  Ends ends;
  ends.reader.close();
  EXPECT_EQ(greet(ends.writer, Deadline::now()).error().kind, Kind::peer_gone);
}

TEST(Handshake, a_full_fifo_takes_nothing) {
  Ends ends;
  const std::array<char, 4096> block{};
  while (::write(ends.writer.get(), block.data(), block.size()) > 0) continue;
  EXPECT_EQ(greet(ends.writer, Deadline::now()).error().kind, Kind::would_block);
}

TEST(Handshake, survives_every_fault_of_every_call) {
  Child child;
  const ProcessId id = id_of(child);
  std::size_t played = 0;
  for (std::uint8_t choice = 1; choice <= 5; ++choice) {
    for (std::uint8_t skip = 0; skip < 60; ++skip) {
      Ends ends;
      ends.put(encode_greeting(id));
      const Guard guard;
      const VirtualTime time;
      const auto choices = pipewrench::fault_at(skip, choice);
      const Faults faults(choices, pipewrench::Realism::posix);
      const auto peer = meet(ends.reader, Deadline::after(1s));
      if (peer) {
        EXPECT_EQ(peer->id(), id);
        (void)peer->notify(SIGCONT);
      }
      (void)greet(ends.writer, Deadline::after(1s));
      played += faults.played().size();
    }
  }
  EXPECT_GT(played, 40u);
}

}  // namespace
}  // namespace ipc
