// SPDX-License-Identifier: MIT
#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

constexpr int kMany = 300;

TraceBuilder calm() {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").reads("reader", "pipe#1", "one");
  t.exits("writer").exits("reader");
  return t;
}
TraceBuilder endless(Call call, const std::string& object, int result) {
  TraceBuilder t{"writer", "reader"};
  t.killed("writer");
  for (int i = 0; i < kMany; ++i) t.does("reader", call, object, result);
  t.trace.ending = Ending::step_limit;
  return t.plan("writer#1 kill");
}

TEST(spin, end_of_file_taken_for_nothing_yet) {
  const TraceBuilder t = endless(Call::read, "pipe#1", 0);
  expect_one(judged(calm(), t), "spin: reader read pipe end of file",
             "reader calls read(pipe#1) for ever without a pause: end of file again and again");
  expect_one(judged(t), "spin: reader read pipe end of file", "reader calls");
}
TEST(spin, error_ignored) {
  expect_one(judged(calm(), endless(Call::msgrcv, "queue 0x1", -EINVAL)),
             "spin: reader msgrcv queue 0x1 EINVAL", "EINVAL again and again");
  expect_one(judged(calm(), endless(Call::write, "pipe#1", -EPIPE)),
             "spin: reader write pipe EPIPE", "EPIPE");
}
TEST(spin, has_one_signature_though_the_object_was_removed) {
  TraceBuilder t = endless(Call::msgsnd, "queue 0x1", -EINVAL);
  for (std::size_t i = 20; i < t.trace.steps.size(); ++i) t.trace.steps[i].object = kNoObject;
  expect_one(judged(calm(), t), "spin: reader msgsnd queue 0x1 EINVAL", "EINVAL again and again");
}
TEST(spin, end_of_a_socket_where_the_conductor_has_seen_it) {
  TraceBuilder t = endless(Call::read, "socket#1", 0);
  for (Step& step : t.trace.steps) step.detail = "fd 3, end of file";
  expect_one(judged(calm(), t), "spin: reader read socket end of file", "again and again");
  for (Step& step : t.trace.steps) step.detail = "fd 3";  // whatever was read
  EXPECT_EQ(texts(judged(calm(), t)).find("spin"), std::string::npos);
}
TEST(spin, names_the_queue_that_was_removed_before_the_first_call) {
  TraceBuilder t = endless(Call::msgsnd, "queue 0x1", -EINVAL);
  for (Step& step : t.trace.steps) step.object = kNoObject;
  t.trace.steps[1].call = Call::msgrcv;
  t.trace.steps[1].object = 0;
  expect_one(judged(calm(), t), "spin: reader msgsnd queue 0x1 EINVAL", "msgsnd(queue 0x1)");
}
TEST(spin, hang_up_that_nobody_looks_at) {
  expect_one(judged(calm(), endless(Call::poll, "pipe#1", 1)), "spin: reader poll pipe again",
             "nobody looks");
}
TEST(spin, two_calls_in_turn) {
  TraceBuilder t = endless(Call::read, "pipe#1", 0);
  for (std::size_t i = 2; i < t.trace.steps.size(); i += 2) {
    t.trace.steps[i].call = Call::poll;
    t.trace.steps[i].result = 1;
  }
  expect_one(judged(calm(), t), "spin: reader read pipe end of file", "reader calls read(pipe#1)");
}
TEST(spin, retry_with_a_pause_and_bounded_retry_are_none) {
  TraceBuilder paused = endless(Call::read, "pipe#1", 0);
  for (std::size_t i = 0; i < paused.trace.steps.size(); i += 2)
    paused.trace.steps[i].call = Call::nanosleep;
  EXPECT_EQ(texts(judged(calm(), paused)).find("spin"), std::string::npos);
  TraceBuilder bounded = endless(Call::kill, "", -ESRCH);
  bounded.exits("reader", 1).trace.ending = Ending::exited;
  expect_silent(judged(calm(), bounded));
}
TEST(spin, unfair_schedule_is_none) {
  TraceBuilder t = endless(Call::read, "pipe#1", -EAGAIN);
  t.task("writer").alive = true;
  for (Step& step : t.trace.steps) step.others = {0};
  EXPECT_EQ(texts(judged(calm(), t)).find("spin"), std::string::npos);
}
TEST(spin, busy_wait_until_another_task_runs) {
  TraceBuilder t{"writer", "reader"};
  for (int i = 0; i < 40; ++i) t.does("writer", Call::msgsnd, "queue#1", -EAGAIN);
  t.does("reader", Call::msgrcv, "queue#1", 5).does("writer", Call::msgsnd, "queue#1");
  t.exits("writer").exits("reader").plan("before reader#1 run writer");
  expect_one(judged(calm(), t), "spin: writer msgsnd queue EAGAIN",
             "repeats msgsnd(queue#1) at once while it says EAGAIN");
  expect_one(judged(t), "(note) spin: writer msgsnd queue EAGAIN", "repeats");
}
TEST(spin, flood_after_the_end_of_input) {
  TraceBuilder t{"chat", "other"};
  t.writes("chat", "fifo ./a", "hello");
  for (int i = 0; i < 600; ++i)
    t.writes("chat", "fifo ./a", "junk").reads("other", "fifo ./a", "junk");
  t.trace.ending = Ending::step_limit;
  expect_one(judged(t), "spin: chat write fifo ./a again", "its input has ended");
  t.trace.steps[0].data = "junk";
  expect_one(judged(t), "(note) spin: chat write fifo ./a again", "same data");
}

// Calls of plain files are no steps: the conductor says so.
TEST(spin, flood_of_messages) {
  TraceBuilder t{"chat", "other"};
  t.does("chat", Call::msgsnd, "queue 0x1", 0, "hello");
  for (int i = 0; i < 600; ++i) t.does("chat", Call::msgsnd, "queue 0x1");
  t.trace.ending = Ending::step_limit;
  expect_one(judged(t), "spin: chat msgsnd queue 0x1 again", "its input has ended");
}
TEST(spin, in_user_space_when_the_calm_run_ends_is_a_note) {
  TraceBuilder t{"solver", "reader"};
  t.does("solver", Call::pipe, "").exits("reader");
  Step spin = t.last();
  spin.event = Event::unmanaged;
  spin.task = 0;
  spin.detail = "spins in user space";
  t.trace.steps.push_back(spin);
  t.trace.unmanaged = 1;
  expect_one(judged(t), "(note) spin: solver in user space", "limit of spin_cpu");
  TraceBuilder ends = t;  // it only took its time
  expect_silent(judged(ends.exits("solver")));
}
TEST(spin, plain_calls_that_the_calm_run_does_not_repeat) {
  const auto goes_round = [](const char* detail) {
    TraceBuilder t{"server", "client"};
    t.does("server", Call::count_, "");
    t.last().event = Event::unmanaged;
    t.last().detail = detail;
    t.trace.unmanaged = 1;
    return t.exits("client").plan("before server#1 run client");
  };
  TraceBuilder quiet{"server", "client"};
  quiet.exits("client").exits("server");
  const TraceBuilder run = goes_round("repeats plain calls without end");
  EXPECT_EQ(texts(judged(quiet, run)), "spin: server plain calls\n");
  expect_silent(judged(run, run));
  expect_silent(judged(quiet, goes_round("asleep in a call that is not modelled")));
}

}  // namespace
}  // namespace pipewrench::test
