// SPDX-License-Identifier: MIT
#include "targets/ipc/queue.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/msg.h>

#include <climits>
#include <functional>

#include "harness/inproc/faults.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/alarm.h"
#include "targets/ipc/sysv_testing.h"

namespace ipc {
namespace {

using pipewrench::Faults;
using pipewrench::VirtualTime;
using testing::own_key;

constexpr std::chrono::milliseconds kLong_ms{60'000};

MessageQueue fresh() { return MessageQueue::create_private().value(); }

Kind kind_of_failure(const auto& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Kind::system : result.error().kind;
}

TEST(Queue, sends_and_receives_whole_messages) {
  MessageQueue queue = fresh();
  const Message bytes{.type = 7, .payload = std::string("a\0b\n", 4)};
  ASSERT_TRUE(queue.send(bytes, Deadline::now()));
  ASSERT_TRUE(queue.send({.type = 7, .payload = ""}, Deadline::now()));
  EXPECT_EQ(queue.receive(Selection::any(), Deadline::now()).value(), bytes);
  EXPECT_EQ(queue.receive(Selection::any(), Deadline::now()).value().payload, "");
  EXPECT_EQ(kind_of_failure(queue.receive(Selection::any(), Deadline::now())), Kind::would_block);
}

TEST(Queue, selects_any_exactly_lowest_and_all_except) {
  MessageQueue queue = fresh();
  for (const long type : {3, 1, 2, 1})
    ASSERT_TRUE(queue.send({.type = type, .payload = std::to_string(type)}, Deadline::now()));
  const auto take = [&](Selection selection) {
    return queue.receive(selection, Deadline::now()).value().type;
  };
  EXPECT_EQ(take(Selection::exactly(2)), 2);
  EXPECT_EQ(take(Selection::lowest_up_to(LONG_MAX)), 1);
  EXPECT_EQ(take(Selection::all_except(3)), 1);
  EXPECT_EQ(kind_of_failure(queue.receive(Selection::all_except(3), Deadline::now())),
            Kind::would_block);
  EXPECT_EQ(take(Selection::any()), 3);
}

TEST(Queue, refuses_bad_types_before_the_kernel_sees_them) {
  MessageQueue queue = fresh();
  const auto no_calls = pipewrench::fault_at(0, 1);
  const Faults faults(no_calls);
  for (const long type : {0L, -1L, LONG_MIN}) {
    const auto sent = queue.send({.type = type, .payload = ""}, Deadline::now());
    EXPECT_EQ(kind_of_failure(sent), Kind::bad_argument);
    EXPECT_EQ(sent.error().number, 0);
    for (const auto selection :
         {Selection::exactly(type), Selection::lowest_up_to(type), Selection::all_except(type)})
      EXPECT_EQ(kind_of_failure(queue.receive(selection, Deadline::now())), Kind::bad_argument);
  }
  EXPECT_EQ(faults.calls(), 0u);
}

TEST(Queue, a_long_text_stays_or_is_cut) {
  MessageQueue queue = fresh();
  ASSERT_TRUE(queue.send({.type = 1, .payload = "hello"}, Deadline::now()));
  EXPECT_EQ(kind_of_failure(queue.receive(Selection::any(), Deadline::now(), 4)), Kind::too_big);
  EXPECT_EQ(queue.status().value().messages, 1u);
  EXPECT_EQ(queue.receive(Selection::any(), Deadline::now(), 4, OnLong::cut).value().payload,
            "hell");
}

TEST(Queue, sizes_beyond_the_limits_are_too_big) {
  MessageQueue queue = fresh();
  const std::string above_msgmax(MessageQueue::kDefaultMost + 1, 'x');
  EXPECT_EQ(kind_of_failure(queue.send({.type = 1, .payload = above_msgmax}, Deadline::now())),
            Kind::too_big);
  const std::string unreasonable(MessageQueue::kMostBytes + 1, 'x');
  EXPECT_EQ(kind_of_failure(queue.send({.type = 1, .payload = unreasonable}, Deadline::now())),
            Kind::too_big);
  EXPECT_EQ(kind_of_failure(queue.receive(Selection::any(), Deadline::now(), SIZE_MAX)),
            Kind::bad_argument);
}

TEST(Queue, a_full_queue_blocks_until_the_deadline) {
  const VirtualTime time;
  MessageQueue queue = fresh();
  ASSERT_TRUE(queue.set_capacity(4));
  ASSERT_TRUE(queue.send({.type = 1, .payload = "1234"}, Deadline::now()));
  const Message one_more{.type = 1, .payload = "5"};
  EXPECT_EQ(kind_of_failure(queue.send(one_more, Deadline::now())), Kind::would_block);
  EXPECT_EQ(kind_of_failure(queue.send(one_more, Deadline::after(kLong_ms))), Kind::timed_out);
  EXPECT_GE(VirtualTime::elapsed_ns(), kLong_ms.count() * 1'000'000);
  EXPECT_EQ(queue.status().value().bytes, 4u);
  EXPECT_EQ(queue.status().value().capacity_bytes, 4u);
}

TEST(Queue, receive_keeps_its_deadline_in_real_time) {
  MessageQueue queue = fresh();
  const auto got = queue.receive(Selection::any(), Deadline::after(std::chrono::milliseconds(1)));
  EXPECT_EQ(kind_of_failure(got), Kind::timed_out);
}

TEST(Queue, a_message_ends_the_wait) {
  MessageQueue queue = fresh();
  const int id = queue.id();
  const pid_t child = ::fork();
  if (child == 0) {
    MessageQueue mine = MessageQueue::from_id(id);
    ::_exit(mine.send({.type = 5, .payload = "hi"}, Deadline::never()) ? 0 : 1);
  }
  EXPECT_EQ(queue.receive(Selection::exactly(5), Deadline::after(kLong_ms)).value().payload, "hi");
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(queue.status().value().last_sender, child);
}

TEST(Queue, retries_eintr_unless_told_to_report_it) {
  const VirtualTime time;
  MessageQueue queue = fresh();
  constexpr std::uint8_t kEintr = 3;                     // of msgrcv's row
  const auto choices = pipewrench::fault_at(2, kEintr);  // msgrcv, timer_create, msgrcv
  {
    const Faults faults(choices);
    EXPECT_EQ(kind_of_failure(queue.receive(Selection::any(), Deadline::after(kLong_ms))),
              Kind::timed_out);
    EXPECT_EQ(faults.played().size(), 1u);
  }
  const Faults faults(choices);
  const auto got = queue.receive(Selection::any(), Deadline::after(kLong_ms),
                                 MessageQueue::kDefaultMost, OnLong::refuse, OnSignal::report);
  EXPECT_EQ(kind_of_failure(got), Kind::interrupted);
}

TEST(Queue, removal_is_seen_by_every_operation) {
  MessageQueue queue = fresh();
  MessageQueue other = MessageQueue::from_id(queue.id());
  EXPECT_TRUE(other.exists().value());
  ASSERT_TRUE(queue.remove());
  EXPECT_FALSE(other.exists().value());
  EXPECT_EQ(kind_of_failure(other.send({.type = 1, .payload = "x"}, Deadline::now())),
            Kind::removed);
  EXPECT_EQ(kind_of_failure(other.receive(Selection::any(), Deadline::never())), Kind::removed);
  EXPECT_EQ(kind_of_failure(other.peek(0)), Kind::removed);
  EXPECT_EQ(kind_of_failure(other.status()), Kind::removed);
  EXPECT_EQ(kind_of_failure(other.set_capacity(1)), Kind::removed);
  EXPECT_EQ(kind_of_failure(other.remove()), Kind::removed);
}

TEST(Queue, removed_and_recreated_under_its_key_is_another_queue) {
  MessageQueue first = MessageQueue::create(own_key()).value();
  MessageQueue client = MessageQueue::open(own_key()).value();
  EXPECT_EQ(kind_of_failure(MessageQueue::create(own_key())), Kind::exists);
  ASSERT_TRUE(first.remove());
  EXPECT_EQ(kind_of_failure(MessageQueue::open(own_key())), Kind::not_found);
  const MessageQueue second = MessageQueue::create_or_open(own_key()).value();
  EXPECT_TRUE(second.is_owner());
  EXPECT_NE(client.id(), second.id());
  EXPECT_FALSE(client.exists().value());
  EXPECT_EQ(kind_of_failure(client.send({.type = 1, .payload = ""}, Deadline::now())),
            Kind::removed);
}

TEST(Queue, only_the_owner_removes) {
  int id = -1;
  {
    MessageQueue owner = fresh();
    id = owner.id();
    {
      const MessageQueue guest = MessageQueue::from_id(id);
    }
    EXPECT_TRUE(owner.exists().value());
    MessageQueue moved = std::move(owner);
    owner = std::move(moved);
    EXPECT_TRUE(owner.exists().value());
    owner = fresh();  // the first goes
    EXPECT_FALSE(MessageQueue::from_id(id).exists().value());
    id = owner.id();
    owner.keep();
  }
  EXPECT_TRUE(MessageQueue::from_id(id).exists().value());
  EXPECT_TRUE(MessageQueue::from_id(id).remove());
}

TEST(Queue, peek_leaves_the_message) {
  MessageQueue queue = fresh();
  ASSERT_TRUE(queue.send({.type = 1, .payload = "first"}, Deadline::now()));
  ASSERT_TRUE(queue.send({.type = 2, .payload = "second"}, Deadline::now()));
  const auto second = queue.peek(1);
  if (!second && second.error().number == ENOSYS) GTEST_SKIP() << "this kernel has no MSG_COPY";
  EXPECT_EQ(second.value().payload, "second");
  EXPECT_EQ(queue.status().value().messages, 2u);
  EXPECT_EQ(kind_of_failure(queue.peek(2)), Kind::would_block);
}

// A queue with two messages of a sender that has ended; nobody owns it.
int left_by_the_dead() {
  const int id = ::msgget(own_key(), IPC_CREAT | 0600);
  EXPECT_TRUE(testing::in_child([id] {
    MessageQueue queue = MessageQueue::from_id(id);
    return queue.send({.type = 1, .payload = "old"}, Deadline::now()).has_value() &&
           queue.send({.type = 1, .payload = "older"}, Deadline::now()).has_value();
  }));
  return id;
}

TEST(Queue, stale_messages_are_recognised_and_fail) {
  MessageQueue left = MessageQueue::from_id(left_by_the_dead());
  const auto opened = MessageQueue::create_or_open(own_key(), OnStale::fail);
  EXPECT_EQ(kind_of_failure(opened), Kind::stale);
  EXPECT_NE(opened.error().describe().find("messages=2"), std::string::npos);
  EXPECT_EQ(left.status().value().messages, 2u);
  EXPECT_TRUE(left.remove());
}

TEST(Queue, stale_messages_are_drained) {
  MessageQueue left = MessageQueue::from_id(left_by_the_dead());
  MessageQueue opened = MessageQueue::open(own_key(), OnStale::drain).value();
  EXPECT_EQ(opened.id(), left.id());
  EXPECT_EQ(opened.status().value().messages, 0u);
  EXPECT_TRUE(left.remove());
}

TEST(Queue, a_stale_queue_is_recreated) {
  MessageQueue left = MessageQueue::from_id(left_by_the_dead());
  const MessageQueue opened = MessageQueue::open(own_key(), OnStale::recreate).value();
  EXPECT_TRUE(opened.is_owner());
  EXPECT_NE(opened.id(), left.id());
  EXPECT_FALSE(left.exists().value());
}

TEST(Queue, messages_of_the_living_are_not_stale) {
  MessageQueue owner = MessageQueue::create(own_key()).value();
  ASSERT_TRUE(owner.send({.type = 1, .payload = "new"}, Deadline::now()));
  EXPECT_TRUE(MessageQueue::open(own_key(), OnStale::fail).has_value());
}

TEST(Queue, a_queue_that_others_may_write_is_refused) {
  const int id = ::msgget(own_key(), IPC_CREAT | IPC_EXCL | 0622);
  ASSERT_GE(id, 0);
  EXPECT_EQ(kind_of_failure(MessageQueue::open(own_key())), Kind::permission);
  EXPECT_TRUE(MessageQueue::from_id(id).remove());
}

TEST(Alarm, refuses_a_signal_that_the_program_handles) {
  struct sigaction before{};
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGRTMAX - 2, &action, &before), 0);
  EXPECT_EQ(kind_of_failure(Alarm::arm(Deadline::after(kLong_ms))), Kind::exists);
  ASSERT_EQ(::sigaction(SIGRTMAX - 2, &before, nullptr), 0);
}

TEST(Alarm, restores_the_signal_mask) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGRTMAX - 2);
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  {
    EXPECT_TRUE(Alarm::arm(Deadline::after(kLong_ms)).has_value());
  }
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, &before, &now);
  EXPECT_EQ(::sigismember(&now, SIGRTMAX - 2), 1);
}

// Fail the n-th call, n = 0, 1, 2 ... with each fault of its row, until a run plays none.
void sweep(const std::function<void()>& operation) {
  constexpr int kMostFaults = 8;
  for (std::uint8_t choice = 1; choice <= kMostFaults; ++choice) {
    bool played = true;
    for (std::uint8_t skip = 0; played; ++skip) {
      const auto choices = pipewrench::fault_at(skip, choice);
      const Faults faults(choices);
      operation();
      played = faults.calls() > skip;
    }
  }
}

TEST(QueueSweep, every_failure_of_every_call_is_a_value_and_leaves_nothing) {
  const VirtualTime time;
  sweep([] {
    auto owner = MessageQueue::create_or_open(own_key(), OnStale::recreate);
    if (!owner) return;
    (void)owner->send({.type = 1, .payload = "x"}, Deadline::after(kLong_ms));
    auto guest = MessageQueue::create_or_open(own_key(), OnStale::drain);
    if (guest) (void)guest->receive(Selection::any(), Deadline::after(kLong_ms));
    (void)owner->receive(Selection::any(), Deadline::after(kLong_ms));
    (void)owner->status();
    (void)owner->set_capacity(100);
    (void)owner->exists();
    (void)owner->peek(0);
  });
  EXPECT_EQ(::msgget(own_key(), 0), -1);
}

}  // namespace
}  // namespace ipc
