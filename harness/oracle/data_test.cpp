// The oracles of data: torn_data, lost_data, segment.
// SPDX-License-Identifier: MIT
#include <csignal>
#include <functional>

#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

constexpr const char* kPreempt = "before reader#2 run writer";

// --- torn_data ---
TraceBuilder calm_records() {
  TraceBuilder t{"writer", "reader"};
  for (const char* record : {"hello", "world"}) {
    t.writes("writer", "pipe#1", record).reads("reader", "pipe#1", record);
    t.prints("reader", std::string(record) + "\n");
  }
  return t.does("reader", Call::read, "pipe#1", 0).exits("writer").exits("reader");
}
TEST(torn_data, two_records_taken_for_one) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "hello").writes("writer", "pipe#1", "world");
  t.reads("reader", "pipe#1", "helloworld").prints("reader", "helloworld\n");
  t.does("reader", Call::read, "pipe#1", 0).exits("writer").exits("reader").plan(kPreempt);
  expect_one(judged(calm_records(), t), "torn_data: reader read pipe",
             "reader#1 read(pipe#1) gets 10 bytes, cut elsewhere");
}
TEST(torn_data, reader_that_puts_records_together_is_silent) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "hello").writes("writer", "pipe#1", "world");
  t.reads("reader", "pipe#1", "helloworld").prints("reader", "hello\nworld\n");
  t.does("reader", Call::read, "pipe#1", 0).exits("writer").exits("reader").plan(kPreempt);
  expect_silent(judged(calm_records(), t));
}
TraceBuilder after_short(const std::function<void(TraceBuilder&)>& then) {
  TraceBuilder t{"writer", "reader", "other"};
  t.writes_short("writer", "pipe#1", "hel", "lo");
  then(t);
  t.prints("reader", "hello\nworld\n");
  return t.exits("writer").exits("reader").exits("other").plan("writer#1 write short 3");
}
TraceBuilder calm_three() {
  TraceBuilder t{"writer", "reader", "other"};
  t.prints("reader", "hello\nworld\n");
  return t.exits("writer").exits("reader").exits("other");
}
TEST(torn_data, rest_of_a_short_write) {
  const TraceBuilder quiet = calm_three();
  expect_one(judged(quiet, after_short([](auto& t) { t.writes("writer", "pipe#1", "world"); })),
             "lost_data: writer write pipe",
             "writer#1 write(pipe#1) takes only 3 of 5 bytes, and it goes on with other data");
  expect_one(judged(quiet, after_short([](auto&) {})), "lost_data: writer write pipe",
             "the rest is never sent");
  expect_one(judged(quiet, after_short([](auto& t) { t.writes("writer", "pipe#1", "hello"); })),
             "duplicated_data: writer write pipe", "sent once more");
  expect_one(judged(quiet, after_short([](auto& t) {
                      t.writes("other", "pipe#1", "XX").writes("writer", "pipe#1", "lo");
                    })),
             "torn_data: writer write pipe", "other#1 writes before the rest follows");
}
TEST(torn_data, rest_sent_or_given_up_is_silent) {
  const TraceBuilder quiet = calm_three();
  expect_silent(judged(quiet, after_short([](auto& t) { t.writes("writer", "pipe#1", "lo"); })));
  expect_silent(
      judged(quiet, after_short([](auto& t) { t.does("writer", Call::write, "pipe#1", -EPIPE); })));
  expect_silent(judged(quiet, after_short([](auto& t) {
                         t.writes("writer", "pipe#1",
                                  "lo, world");  // a buffer that has grown meanwhile
                       })));
}

TEST(torn_data, rest_for_a_reader_that_was_killed_is_silent) {
  const auto short_write = [](const char* plan) {
    TraceBuilder t{"writer", "reader"};
    t.writes_short("writer", "pipe#1", "hel", "lo").reads("reader", "pipe#1", "hel");
    return t.plan(plan);
  };
  TraceBuilder quiet{"writer", "reader"};
  quiet.writes("writer", "pipe#1", "hello").reads("reader", "pipe#1", "hello");
  quiet.exits("writer").exits("reader");
  TraceBuilder of_reader = short_write("reader#1 kill after");
  expect_silent(judged(quiet, of_reader.killed("reader").exits("writer")));
  TraceBuilder alive = short_write("writer#1 write short 3");
  expect_one(judged(quiet, alive.exits("writer").exits("reader")), "lost_data: writer write pipe",
             "the rest is never sent");
}

// --- lost_data ---
TraceBuilder calm_stream(bool drains) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").writes("writer", "pipe#1", "two");
  t.reads("reader", "pipe#1", "onetwo").prints("reader", "one\n");
  if (drains) t.does("reader", Call::read, "pipe#1", 0);
  return t.exits("writer").exits("reader");
}
TraceBuilder unread(const std::string& shown) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").reads("reader", "pipe#1", "one").prints("reader", shown);
  return t.writes("writer", "pipe#1", "two").exits("writer").exits("reader").plan(kPreempt);
}
TEST(lost_data, reader_stops_before_the_end) {
  expect_one(
      judged(calm_stream(true), unread("one\n")), "lost_data: writer to reader by pipe",
      "3 bytes that were sent, the last by writer#2 write(pipe#1), are never received by reader");
}
TEST(lost_data, head_is_a_note) {
  expect_one(judged(calm_stream(false), unread("one\n")),
             "(note) lost_data: writer to reader by pipe", "3 bytes");
}
TEST(lost_data, what_the_calm_run_left_as_well_is_none) {
  TraceBuilder quiet = calm_stream(true);
  quiet.writes("writer", "pipe#1", "three");
  expect_silent(judged(quiet, unread("one\n")));
}
TraceBuilder queue(bool receives, bool leaves) {
  TraceBuilder t{"sender", "receiver"};
  t.does("sender", Call::msgsnd, "queue 0x7");
  if (receives) t.does("receiver", Call::msgrcv, "queue 0x7", 4);
  if (leaves) t.leaves("queue 0x7");
  t.object("queue 0x7").maker = 0;
  return t.exits("sender").exits("receiver").plan("before sender#1 run receiver");
}
TEST(lost_data, message_left_for_the_next_run) {
  EXPECT_EQ(texts(judged(queue(true, true), queue(false, true))),
            "lost_data: sender to receiver by queue 0x7\n");
  EXPECT_EQ(texts(judged(queue(true, false), queue(false, false))),
            "(note) lost_data: sender to receiver by queue 0x7\n");
}
// One queue, two directions: the killed one never came to its own receive.
TEST(lost_data, sent_to_who_was_killed_before_it_received_is_a_note) {
  const auto sent = [](const char* plan) {
    TraceBuilder t{"one", "two", "bystander"};
    return t.does("one", Call::msgsnd, "queue 0x7").plan(plan);
  };
  const auto calm_with = [&](const char* receiver) {
    TraceBuilder t = sent("").does(receiver, Call::msgrcv, "queue 0x7", 4);
    return t.exits("one").exits("two").exits("bystander");
  };
  TraceBuilder t = sent("two#1 kill").killed("two").exits("one").exits("bystander");
  EXPECT_EQ(texts(judged(calm_with("two"), t)), "(note) lost_data: one to two by queue 0x7\n");
  EXPECT_EQ(texts(judged(calm_with("bystander"), t)), "lost_data: one to bystander by queue 0x7\n");
  TraceBuilder noticed = sent("two#1 kill").killed("two").exits("one").exits("bystander", 1);
  EXPECT_NE(texts(judged(calm_with("bystander"), noticed)).find("(note) lost_data: one to"),
            std::string::npos);
}
TEST(lost_data, unread_by_the_killed_is_a_note) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").killed("reader").exits("writer").plan("reader#1 kill");
  EXPECT_EQ(texts(judged(calm_stream(true), t)), "(note) lost_data: writer to reader by pipe\n");
}

// --- segment ---
TraceBuilder shared(bool reads_between) {
  TraceBuilder t{"writer", "reader"};
  t.does("writer", Call::shmat, "segment 0x5").does("reader", Call::shmat, "segment 0x5");
  t.stores("writer", "segment 0x5", "first").kills("writer", "reader", SIGUSR1);
  if (reads_between) t.handles("reader", SIGUSR1).prints("reader", "first\n");
  t.stores("writer", "segment 0x5", "second").kills("writer", "reader", SIGUSR1);
  t.handles("reader", SIGUSR1).prints("reader", "second\n");
  return t.exits("writer").exits("reader");
}
TEST(segment, overwritten_before_it_was_read) {
  TraceBuilder t = shared(false);
  t.plan("before reader#2 run writer");
  expect_one(judged(shared(true), t), "lost_data: segment 0x5 overwritten by writer",
             "What writer stores in segment 0x5 is overwritten by writer before anybody");
  expect_silent(judged(shared(true), shared(true)));
}
TEST(segment, cleared_before_it_was_read) {
  TraceBuilder quiet = shared(true);
  TraceBuilder t = shared(true);
  t.stores("reader", "segment 0x5", std::string(6, '\0')).plan("before reader#2 run writer");
  t.trace.outputs[1].out = "first\n";
  expect_one(judged(quiet, t), "lost_data: segment 0x5 cleared by reader",
             "What writer stores in segment 0x5 is cleared by reader");
}
TEST(segment, newest_value_wins_by_design) {
  TraceBuilder quiet = shared(false);
  TraceBuilder t = shared(false);
  t.plan("before reader#2 run writer");
  expect_silent(judged(quiet, t));
}

}  // namespace
}  // namespace pipewrench::test
