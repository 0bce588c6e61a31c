// SPDX-License-Identifier: MIT
#include "targets/ipc/mailbox.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include <chrono>
#include <cstring>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/shared_word.h"
#include "targets/ipc/sysv_testing.h"

namespace ipc {
namespace {

using testing::dead;
using testing::in_child;
using testing::me;
using testing::own_key;
using namespace std::chrono_literals;
using Phase = Mailbox::Phase;

constexpr std::size_t kCapacity = 32;

// The slot as it lies in the segment.
struct Raw {
  std::uint64_t word, turn, length, type, checksum;
  char payload[kCapacity];
};

struct MailboxTest : ::testing::Test {
  const key_t key_ = own_key();  // also in children
  Mailbox box_ = make();

  Mailbox make() const {
    auto segment = Segment::create(key_, Mailbox::layout(kCapacity), me());
    return std::move(*Mailbox::on(std::move(*segment)));
  }
  // Another client's.
  Mailbox open() const {
    auto segment = Segment::open(key_, Mailbox::layout(kCapacity), Segment::OnStale::fail, me(),
                                 Deadline::now());
    return std::move(*Mailbox::on(std::move(*segment)));
  }
  Raw& raw() { return *reinterpret_cast<Raw*>(box_.segment().bytes().data()); }
  void set_claim(Phase phase, ProcessId who) {
    raw().word = pack(who) | static_cast<std::uint64_t>(phase);
  }
};

Message text(const char* payload, long type = 1) { return {.type = type, .payload = payload}; }

template <class T>
Kind kind_of_failure(const Result<T>& result) {
  return result ? Kind::system : result.error().kind;
}

TEST_F(MailboxTest, carries_any_bytes_both_ways_in_sequence) {
  Mailbox other = open();
  EXPECT_EQ(box_.capacity(), kCapacity);
  EXPECT_EQ(box_.look(), (Mailbox::Status{.phase = Phase::empty, .sequence = 0}));
  for (std::uint64_t sequence = 1; sequence < 5; ++sequence) {
    const Message sent{.type = -5, .payload = std::string("a\0b", 3) + std::to_string(sequence)};
    EXPECT_EQ(box_.write(sent, Deadline::now()).value(), sequence);
    EXPECT_EQ(other.look(), (Mailbox::Status{.phase = Phase::full, .sequence = sequence}));
    const auto received = other.read(Deadline::now());
    ASSERT_TRUE(received);
    EXPECT_EQ(received->message, sent);
    EXPECT_EQ(received->sequence, sequence);
    EXPECT_EQ(other.look(), (Mailbox::Status{.phase = Phase::empty, .sequence = sequence}));
    std::swap(box_, other);
  }
}

TEST_F(MailboxTest, empty_and_greatest_payload_fit_and_one_more_is_too_big) {
  for (const std::size_t length : {std::size_t{0}, kCapacity}) {
    const Message sent{.type = 1, .payload = std::string(length, 'x')};
    ASSERT_TRUE(box_.write(sent, Deadline::now()));
    EXPECT_EQ(box_.read(Deadline::now())->message, sent);
  }
  const Message big{.type = 1, .payload = std::string(kCapacity + 1, 'x')};
  EXPECT_EQ(kind_of_failure(box_.write(big, Deadline::never())), Kind::too_big);
}

TEST_F(MailboxTest, never_overwrites_and_never_reads_twice) {
  ASSERT_TRUE(box_.write(text("first"), Deadline::now()));
  EXPECT_EQ(kind_of_failure(box_.write(text("second"), Deadline::now())), Kind::would_block);
  EXPECT_EQ(box_.read(Deadline::now())->message, text("first"));
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::now())), Kind::would_block);
}

TEST_F(MailboxTest, clears_only_what_was_seen) {
  const auto first = box_.write(text("first"), Deadline::now());
  ASSERT_TRUE(first);
  EXPECT_TRUE(box_.clear(*first));
  EXPECT_EQ(kind_of_failure(box_.clear(*first)), Kind::not_found);
  const auto second = box_.write(text("second"), Deadline::now());
  ASSERT_TRUE(second);
  EXPECT_EQ(kind_of_failure(box_.clear(*first)), Kind::not_found);
  EXPECT_EQ(kind_of_failure(box_.clear(*second + (std::uint64_t{1} << 62))), Kind::not_found);
  EXPECT_EQ(box_.read(Deadline::now())->sequence, *second);
}

TEST_F(MailboxTest, waits_until_the_deadline) {
  const pipewrench::VirtualTime time;
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::after(1234ms))), Kind::timed_out);
  EXPECT_EQ(pipewrench::VirtualTime::elapsed_ns(), 1'234'000'000);
  ASSERT_TRUE(box_.write(text("x"), Deadline::now()));
  EXPECT_EQ(kind_of_failure(box_.write(text("y"), Deadline::after(50ms))), Kind::timed_out);
}

TEST_F(MailboxTest, two_processes_take_turns) {
  constexpr int kRounds = 300;
  const pid_t child = ::fork();
  if (child == 0) {
    Mailbox mine = open();
    for (int round = 0; round < kRounds; ++round) {
      auto received = mine.read(Deadline::never());
      if (!received || received->message.payload != std::to_string(round)) ::_exit(1);
    }
    ::_exit(0);
  }
  for (int round = 0; round < kRounds; ++round)
    ASSERT_TRUE(box_.write(text(std::to_string(round).c_str()), Deadline::after(1min)));
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(MailboxTest, many_writers_and_readers_lose_and_double_nothing) {
  constexpr int kWriters = 3, kEach = 100;
  std::array<pid_t, kWriters> writers{};
  for (int writer = 0; writer < kWriters; ++writer) {
    writers[writer] = ::fork();
    if (writers[writer] != 0) continue;
    Mailbox mine = open();
    for (int i = 0; i < kEach; ++i)
      if (!mine.write({.type = writer, .payload = std::to_string(i)}, Deadline::never()))
        ::_exit(1);
    ::_exit(0);
  }
  std::array<int, kWriters> next{};
  std::uint64_t last = 0;
  for (int i = 0; i < kWriters * kEach; ++i) {
    const auto received = box_.read(Deadline::after(1min));
    ASSERT_TRUE(received) << received.error().describe();
    EXPECT_GT(received->sequence, last);
    last = received->sequence;
    ASSERT_EQ(received->message.payload,
              std::to_string(next[static_cast<std::size_t>(received->message.type)]++));
  }
  for (const pid_t writer : writers) {
    int status = -1;
    ASSERT_EQ(::waitpid(writer, &status, 0), writer);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(MailboxTest, a_dead_writer_is_undone_silently) {
  raw().turn = 41;
  set_claim(Phase::writing, dead());
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::now())), Kind::would_block);
  set_claim(Phase::writing, dead());
  EXPECT_EQ(kind_of_failure(box_.clear(41)), Kind::not_found);
  set_claim(Phase::writing, dead());
  EXPECT_EQ(box_.write(text("next"), Deadline::now()).value(), 43u);  // 42 may have been its
}

TEST_F(MailboxTest, a_message_claimed_by_a_dead_reader_is_reported_lost_once) {
  const auto lost = box_.write(text("lost"), Deadline::now());
  ASSERT_TRUE(lost);
  set_claim(Phase::reading, dead());
  const auto told = box_.read(Deadline::now());
  EXPECT_EQ(kind_of_failure(told), Kind::stale);
  EXPECT_EQ(told.error().arguments[0].value, static_cast<long>(*lost));
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::now())), Kind::would_block);
  ASSERT_TRUE(box_.write(text("again"), Deadline::now()));
  set_claim(Phase::reading, dead());
  EXPECT_EQ(kind_of_failure(box_.write(text("x"), Deadline::never())), Kind::stale);
  EXPECT_TRUE(box_.write(text("x"), Deadline::now()));
  set_claim(Phase::reading, dead());
  EXPECT_EQ(kind_of_failure(box_.clear(3)), Kind::stale);
}

TEST_F(MailboxTest, a_living_claimant_is_waited_for) {
  const pipewrench::VirtualTime time;
  for (const Phase phase : {Phase::writing, Phase::reading})
    for (const ProcessId who : {me(), identify(::getppid()).value()}) {
      set_claim(phase, who);
      EXPECT_EQ(kind_of_failure(box_.write(text("x"), Deadline::now())), Kind::would_block);
      EXPECT_EQ(kind_of_failure(box_.read(Deadline::after(250ms))), Kind::timed_out);
      EXPECT_EQ(kind_of_failure(box_.clear(1)), Kind::not_found);
      EXPECT_EQ(box_.look(), (Mailbox::Status{.phase = phase, .sequence = 0, .claimant = who}));
    }
}

TEST_F(MailboxTest, a_waiter_sees_the_removal) {
  const pipewrench::VirtualTime time;
  ASSERT_TRUE(box_.segment().remove());
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::never())), Kind::removed);
}

TEST_F(MailboxTest, scribbled_length_type_and_payload_are_corrupt_and_thrown_away) {
  const auto written = [&] { ASSERT_TRUE(box_.write(text("secret"), Deadline::now())); };
  const auto is_corrupt = [&] {
    EXPECT_EQ(kind_of_failure(box_.read(Deadline::now())), Kind::corrupt);
    EXPECT_EQ(box_.look().phase, Phase::empty);
  };
  for (const std::uint64_t length : {UINT64_MAX, std::uint64_t{kCapacity + 1}, std::uint64_t{5}}) {
    written();
    raw().length = length;
    is_corrupt();
  }
  written();
  raw().type = 2;
  is_corrupt();
  written();
  raw().payload[0] ^= 1;
  is_corrupt();
  written();
  raw().checksum ^= 1;
  is_corrupt();
}

TEST_F(MailboxTest, a_message_of_another_sequence_is_corrupt) {
  ASSERT_TRUE(box_.write(text("old"), Deadline::now()));
  raw().word += 4;
  EXPECT_EQ(kind_of_failure(box_.read(Deadline::now())), Kind::corrupt);
}

TEST_F(MailboxTest, an_inherited_mailbox_is_refused) {
  EXPECT_TRUE(in_child([&] {
    return kind_of_failure(box_.write(text("x"), Deadline::now())) == Kind::bad_argument &&
           kind_of_failure(box_.read(Deadline::now())) == Kind::bad_argument &&
           kind_of_failure(box_.clear(1)) == Kind::bad_argument;
  }));
}

TEST(Mailbox, another_process_s_mailbox_is_refused) {
  const ProcessId parent = identify(::getppid()).value();
  auto segment = Segment::create(IPC_PRIVATE, Mailbox::layout(kCapacity), parent);
  auto box = Mailbox::on(std::move(*segment));
  ASSERT_TRUE(box);
  EXPECT_EQ(kind_of_failure(box->write(text("x"), Deadline::now())), Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(box->clear(1)), Kind::bad_argument);
  EXPECT_TRUE(box->segment().remove());
}

TEST(Mailbox, refuses_segments_that_hold_no_message) {
  EXPECT_EQ(Mailbox::layout(0).size, 0u);
  EXPECT_EQ(Mailbox::layout(Mailbox::kMostPayload + 1).size, 0u);
  auto small = Segment::create(IPC_PRIVATE, {.size = 40, .version = 1}, me());
  ASSERT_TRUE(small);
  EXPECT_EQ(kind_of_failure(Mailbox::on(std::move(*small))), Kind::bad_argument);
}

TEST(Mailbox, every_fault_while_waiting_is_an_error_or_nothing) {
  auto segment = Segment::create(IPC_PRIVATE, Mailbox::layout(kCapacity), me());
  auto box = Mailbox::on(std::move(*segment));
  ASSERT_TRUE(box);
  for (std::uint8_t choice = 1; choice <= 4; ++choice)
    for (std::uint8_t skip = 0;; ++skip) {
      ASSERT_LT(skip, 60);
      const pipewrench::Guard guard;
      const pipewrench::VirtualTime time;
      const auto choices = pipewrench::fault_at(skip, choice);
      const pipewrench::Faults faults(choices);
      EXPECT_FALSE(box->read(Deadline::after(1s)));
      if (skip >= faults.calls()) break;
    }
}

}  // namespace
}  // namespace ipc
