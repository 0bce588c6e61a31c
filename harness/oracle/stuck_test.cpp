// The oracles of waiting: deadlock, hang, lost_signal.
// SPDX-License-Identifier: MIT
#include <csignal>

#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

// --- deadlock ---
TraceBuilder calm_locks() {
  TraceBuilder t{"left", "right"};
  for (const char* task : {"left", "right"})
    for (const char* lock : {"semaphore 0x1", "semaphore 0x2"}) t.does(task, Call::semop, lock);
  t.exits("left").exits("right");
  return t;
}
TEST(deadlock, locks_in_opposite_order) {
  TraceBuilder t{"left", "right"};
  t.does("left", Call::semop, "semaphore 0x1").does("right", Call::semop, "semaphore 0x2");
  t.rests("left", Call::semop, "semaphore 0x2", {"right"});
  t.rests("right", Call::semop, "semaphore 0x1", {"left"}).plan("before left#2 run right");
  expect_one(judged(calm_locks(), t),
             "deadlock: left semop semaphore 0x2 | right semop semaphore 0x1",
             "left#2 waits in semop(semaphore 0x2) for right, right#2 waits in "
             "semop(semaphore 0x1) for left: none of them can ever go on");
}
TEST(deadlock, rendezvous_crosswise_as_the_calm_run_tells) {
  TraceBuilder quiet{"left", "right"};
  quiet.does("left", Call::open, "fifo ./a").does("right", Call::open, "fifo ./a");
  quiet.does("left", Call::open, "fifo ./b").does("right", Call::open, "fifo ./b");
  quiet.exits("left").exits("right");
  TraceBuilder t{"left", "right"};
  t.rests("left", Call::open, "fifo ./b").rests("right", Call::open, "fifo ./a");
  t.plan("before left#1 run right");
  t.object("fifo ./a").maker = t.object("fifo ./b").maker = 0;
  expect_one(judged(quiet, t), "deadlock: left open fifo ./b | right open fifo ./a",
             "left#1 waits in open(fifo ./b) for right");
}
TraceBuilder inherited_end() {
  TraceBuilder t{"pool", "pool/1", "pool/2"};
  t.writes("pool", "pipe#1", "a b c").reads("pool/1", "pipe#1", "a b c");
  t.rests("pool", Call::read, "pipe#2", {"pool/1"})
      .rests("pool/1", Call::read, "pipe#1", {"pool/2"});
  t.rests("pool/2", Call::read, "pipe#3", {"pool"});
  return t;
}
TEST(deadlock, inherited_pipe_end_already_in_the_calm_run) {
  expect_one(judged(inherited_end()),
             "deadlock: pool read pipe | pool/child read pipe | pool/child read pipe",
             "pool#2 waits in read(pipe#2) for pool/1, pool/1#2 waits in read(pipe#1) for pool/2");
}
TEST(deadlock, both_pipes_full_already_in_the_calm_run) {
  TraceBuilder t{"left", "left/1"};
  t.rests("left", Call::write, "pipe#1", {"left/1"});
  t.rests("left/1", Call::write, "pipe#2", {"left"});
  expect_one(judged(t), "deadlock: left write pipe | left/child write pipe",
             "left#1 waits in write(pipe#1) for left/1");
  TraceBuilder named{"left", "right"};
  named.rests("left", Call::write, "fifo ./a", {"right"});
  named.rests("right", Call::write, "fifo ./b", {"left"});
  expect_one(judged(named), "deadlock: left write fifo ./a | right write fifo ./b",
             "left#1 waits in write(fifo ./a) for right");
  TraceBuilder server{"left", "right"};  // of a name anyone may still come
  server.rests("left", Call::write, "fifo ./a", {"right"});
  server.rests("right", Call::read, "fifo ./b", {"left"});
  expect_silent(judged(server));
}
TEST(deadlock, servers_at_rest_are_none) {
  TraceBuilder lifeline{"server", "server/1"};  // the child only reads to learn of its parent's end
  lifeline.rests("server", Call::wait, "", {"server/1"});
  lifeline.rests("server/1", Call::read, "pipe#1", {"server"});
  expect_silent(judged(lifeline));
  TraceBuilder both_ways{"server"};
  both_ways.reads("server", "fifo ./in", "x").rests("server", Call::read, "fifo ./in", {"server"});
  expect_silent(judged(both_ways));
  expect_silent(judged(both_ways, both_ways));
  TraceBuilder consumers{"maker", "eater",
                         "eater.2"};  // a counter, no lock: the last taker holds nothing
  consumers.does("maker", Call::semop, "semaphore#1");
  consumers.last().number = 1;
  consumers.does("eater", Call::semop, "semaphore#1").exits("maker");
  consumers.last().number = -1;
  consumers.rests("eater", Call::semop, "semaphore#1", {"eater.2"});
  consumers.rests("eater.2", Call::semop, "semaphore#1", {"eater"});
  expect_silent(judged(consumers));
}

// --- hang ---
TraceBuilder calm_talk() {
  TraceBuilder t{"client", "server"};
  t.does("client", Call::msgsnd, "queue 0x1").does("server", Call::msgrcv, "queue 0x1", 4);
  t.does("server", Call::msgsnd, "queue 0x2").does("client", Call::msgrcv, "queue 0x2", 4);
  t.exits("client").exits("server");
  return t;
}
TEST(hang, survivor_waits_for_the_dead) {
  TraceBuilder t{"client", "server"};
  t.does("client", Call::msgsnd, "queue 0x1").does("server", Call::msgrcv, "queue 0x1", 4);
  t.killed("server").rests("client", Call::msgrcv, "queue 0x2").plan("server#2 kill");
  t.object("queue 0x2").maker = 1;
  expect_one(judged(calm_talk(), t), "hang: client msgrcv queue 0x2",
             "client#2 waits in msgrcv(queue 0x2) for ever: server has ended");
}
// One gives and the other takes: the last taker holds nothing.
TEST(hang, of_a_semaphore_that_is_no_lock) {
  const auto gives_and_takes = [](TraceBuilder& t) {
    t.does("producer", Call::semop, "semaphore#1").last().number = 1;
    t.does("consumer", Call::semop, "semaphore#1").last().number = -1;
  };
  TraceBuilder quiet{"producer", "consumer"};
  gives_and_takes(quiet);
  gives_and_takes(quiet);
  quiet.exits("producer").exits("consumer");
  TraceBuilder t{"producer", "consumer"};
  gives_and_takes(t);
  t.killed("producer").rests("consumer", Call::semop, "semaphore#1", {"consumer"});
  expect_one(judged(quiet, t.plan("producer#2 kill")), "hang: consumer semop semaphore",
             "consumer#2 waits in semop(semaphore#1) for ever: producer has ended");
}
// Whoever made it was killed before its value was set: of those who wait none holds it.
TEST(hang, of_a_semaphore_that_nobody_ever_had) {
  const auto locks = [](TraceBuilder& t, const char* task) {
    t.does(task, Call::semop, "semaphore 0x1").last().number = -1;
    t.does(task, Call::semop, "semaphore 0x1").last().number = 1;
    t.exits(task);
  };
  TraceBuilder quiet{"shop", "shop/1", "shop/2", "shop/3"};
  for (const char* task : {"shop/1", "shop/2", "shop/3"}) locks(quiet, task);
  quiet.exits("shop");
  TraceBuilder t{"shop", "shop/1", "shop/2", "shop/3"};
  t.does("shop/1", Call::semget, "semaphore 0x1").killed("shop/1").exits("shop");
  t.rests("shop/2", Call::semop, "semaphore 0x1").rests("shop/3", Call::semop, "semaphore 0x1");
  expect_one(judged(quiet, t.plan("shop/1#1 kill after")), "hang: shop/child semop semaphore 0x1",
             "shop/2#1 waits in semop(semaphore 0x1) for ever: shop/1 has ended");
}
TEST(hang, orphan_of_who_was_ended_by_a_signal_that_it_does_not_handle) {
  TraceBuilder quiet{"parent", "parent/1"};
  quiet.does("parent/1", Call::sigsuspend, "").exits("parent/1").exits("parent");
  TraceBuilder t{"parent", "parent/1"};
  t.dies("parent", SIGTERM).rests("parent/1", Call::sigsuspend, "");
  expect_one(judged(quiet, t.plan("parent#1 signal SIGTERM")),
             "leak: orphan parent/child sigsuspend", "its parent parent has been killed");
}
TEST(hang, nobody_came_yet_is_a_note) {
  TraceBuilder quiet{"reader", "writer"};
  quiet.does("reader", Call::open, "fifo ./in").does("writer", Call::open, "fifo ./in");
  quiet.exits("writer").exits("reader");
  TraceBuilder t{"reader", "writer"};
  t.rests("reader", Call::open, "fifo ./in").killed("writer").plan("writer#1 kill");
  expect_one(judged(quiet, t), "(note) hang: reader open fifo ./in", "reader#1 waits in open");
  t.plan("reader#1 kill after");  // which came in the tear-down: it waits all the same
  expect_one(judged(quiet, t), "(note) hang: reader open fifo ./in", "reader#1 waits in open");
}
TEST(hang, only_the_root_is_reported) {
  TraceBuilder quiet{"parent", "parent/1"};
  quiet.does("parent/1", Call::pause, "").exits("parent/1").does("parent", Call::wait, "");
  quiet.exits("parent");
  TraceBuilder t{"parent", "parent/1"};
  t.rests("parent/1", Call::pause, "").rests("parent", Call::wait, "", {"parent/1"});
  t.plan("before parent/1#1 run parent");
  expect_one(judged(quiet, t), "hang: parent/child pause", "parent/1#1 waits in pause() for ever");
}
TEST(hang, server_at_rest_when_a_client_dies_is_none) {
  TraceBuilder quiet{"server", "client"};
  quiet.does("client", Call::msgsnd, "queue 0x1").does("server", Call::msgrcv, "queue 0x1", 1);
  quiet.exits("client").rests("server", Call::msgrcv, "queue 0x1");
  TraceBuilder t{"server", "client"};
  t.does("client", Call::msgsnd, "queue 0x1").does("server", Call::msgrcv, "queue 0x1", 1);
  t.killed("client").rests("server", Call::msgrcv, "queue 0x1").plan("client#2 kill");
  t.object("queue 0x1").maker = quiet.object("queue 0x1").maker = 0;
  expect_silent(judged(quiet, t));
}
TEST(hang, stuck_where_an_endless_program_went_on) {
  TraceBuilder quiet{"demo6", "demo7"};
  quiet.does("demo6", Call::open, "fifo ./fifo").does("demo7", Call::open, "fifo ./fifo");
  quiet.kills("demo6", "demo7", SIGUSR1).trace.ending = Ending::time_limit;
  TraceBuilder t{"demo6", "demo7"};
  t.exits("demo7", 255).rests("demo6", Call::open, "fifo ./fifo").plan("before demo6#1 run demo7");
  EXPECT_EQ(texts(judged(quiet, t)), "hang: demo6 open fifo ./fifo\n");
}
TEST(hang, goes_on_only_when_told_to_end_is_none) {
  TraceBuilder quiet{"parent", "parent/1"};
  quiet.trace.ending = Ending::time_limit;
  TraceBuilder t{"parent", "parent/1"};
  t.rests("parent", Call::wait, "", {"parent/1"}).plan("parent#1 wait fail EINTR");
  t.trace.ending = Ending::step_limit;
  for (int i = 0; i < 9; ++i) t.does("parent/1", Call::semop, "semaphore#1");
  quiet.trace.steps.push_back({.event = Event::teardown});
  quiet.does("parent", Call::wait, "");
  expect_silent(judged(quiet, t));
}
TEST(hang, of_a_busy_child_in_a_run_cut_short_is_none) {
  TraceBuilder quiet{"parent", "parent/1"};
  quiet.exits("parent/1").does("parent", Call::wait, "").exits("parent");
  const auto cut = [](bool is_busy) {
    TraceBuilder t{"parent", "parent/1"};
    t.rests("parent", Call::wait, "", {"parent/1"});
    for (int i = 0; i < 9; ++i) t.does("parent/1", Call::semop, "semaphore#1");
    if (!is_busy) {
      t.trace.steps.erase(t.trace.steps.begin() + 1, t.trace.steps.end());
      t.rests("parent/1", Call::semop, "semaphore#1");
      for (int i = 0; i < 9; ++i) t.trace.steps.push_back({.event = Event::timer});
    }
    t.trace.ending = Ending::step_limit;
    return t.plan("before parent#1 run parent/1");
  };
  EXPECT_TRUE(judged(quiet, cut(true)).empty());
  EXPECT_EQ(texts(judged(quiet, cut(false))), "hang: parent/child semop semaphore\n");
}
TEST(hang, orphan_that_serves_nobody_yet) {
  const auto server = [](bool is_program) {
    TraceBuilder t{"script", "script/1"};
    if (is_program) {
      t.does("script/1", Call::execve, "").last().event = Event::exec;
    }
    return t.does("script/1", Call::listen, "socket#1");
  };
  const auto judged_with = [&](bool is_program) {
    TraceBuilder quiet = server(is_program).does("script/1", Call::accept, "socket#1");
    quiet.exits("script/1").exits("script");
    TraceBuilder t = server(is_program).killed("script").plan("script#1 kill");
    return judged(quiet, t.rests("script/1", Call::accept, "socket#1"));
  };
  expect_one(judged_with(false), "leak: orphan script/child accept4 socket", "is left behind");
  expect_one(judged_with(true), "(note) leak: orphan script/child accept4 socket", "left behind");
}
TEST(hang, never_comes_to_its_end) {
  TraceBuilder quiet{"client", "server"};
  quiet.does("client", Call::connect, "socket ./s").exits("server").exits("client");
  TraceBuilder t{"client", "server"};
  for (int i = 0; i < 50; ++i) {
    t.does("client", Call::connect, "socket ./s", -ECONNREFUSED);
    t.does("client", Call::nanosleep, "");
  }
  t.trace.ending = Ending::step_limit;
  t.exits("server").plan("before client#1 run server");
  EXPECT_EQ(texts(judged(quiet, t)), "hang: client goes on for ever\n");
  t.plan("server#1 kill");
  EXPECT_EQ(texts(judged(quiet, t)), "(note) hang: client goes on for ever\n");
}

// --- lost_signal ---
TraceBuilder calm_pause() {
  TraceBuilder t{"waiter", "waker"};
  t.kills("waker", "waiter", SIGUSR1).handles("waiter", SIGUSR1, kDuring);
  t.does("waiter", Call::pause, "", -EINTR).exits("waker").exits("waiter");
  return t;
}
TEST(lost_signal, check_then_pause) {
  TraceBuilder t{"waiter", "waker"};
  t.kills("waker", "waiter", SIGUSR1).handles("waiter", SIGUSR1);
  t.rests("waiter", Call::pause, "").exits("waker").plan("before waiter#1 run waker");
  expect_one(judged(calm_pause(), t), "lost_signal: waiter pause SIGUSR1",
             "SIGUSR1 reaches waiter just before waiter#1 pause()");
}
TEST(lost_signal, never_sent_is_a_hang) {
  TraceBuilder t{"waiter", "waker"};
  t.rests("waiter", Call::pause, "").exits("waker", 1).plan("before waiter#1 run waker");
  EXPECT_EQ(judged(calm_pause(), t).at(0).signature, "hang: waiter pause");
}
TEST(lost_signal, flag_checked_then_blocking_read) {
  TraceBuilder quiet{"daemon", "client"};
  quiet.writes("client", "fifo ./in", "a").reads("daemon", "fifo ./in", "a");
  quiet.exits("client").rests("daemon", Call::read, "fifo ./in");
  TraceBuilder t{"daemon", "client"};
  t.writes("client", "fifo ./in", "a").reads("daemon", "fifo ./in", "a").exits("client");
  t.handles("daemon", SIGTERM).rests("daemon", Call::read, "fifo ./in");
  t.plan("daemon#2 signal SIGTERM");
  t.object("fifo ./in").maker = quiet.object("fifo ./in").maker = 0;
  expect_one(judged(quiet, t), "lost_signal: daemon read fifo ./in SIGTERM",
             "SIGTERM reaches daemon just before daemon#2 read(fifo ./in)");
}
TEST(lost_signal, two_become_one) {
  TraceBuilder quiet{"waiter", "waker"};
  for (int i = 0; i < 2; ++i)
    quiet.kills("waker", "waiter", SIGUSR1)
        .handles("waiter", SIGUSR1, kDuring)
        .does("waiter", Call::pause, "", -EINTR);
  quiet.exits("waker").exits("waiter");
  TraceBuilder t{"waiter", "waker"};
  t.kills("waker", "waiter", SIGUSR1).kills("waker", "waiter", SIGUSR1);
  t.last().flags = kCoalesced;
  t.handles("waiter", SIGUSR1, kDuring).does("waiter", Call::pause, "", -EINTR);
  t.exits("waker").rests("waiter", Call::pause, "").plan("before waiter#1 run waker");
  expect_one(judged(quiet, t), "lost_signal: waiter pause SIGUSR1",
             "waker#2 sends SIGUSR1 to waiter while one is still pending");
}
TEST(lost_signal, merged_but_counted_right_is_none) {
  TraceBuilder quiet{"shell", "shell/1", "shell/2"};
  quiet.exits("shell/1").exits("shell/2").exits("shell").prints("shell", "done\n");
  TraceBuilder t = quiet;
  t.kills("shell/1", "shell", SIGCHLD);
  t.last().flags = kCoalesced;
  t.plan("before shell#1 run shell/1");
  expect_silent(judged(quiet, t));
  t.prints("shell", "one is missing\n");
  EXPECT_EQ(texts(judged(quiet, t)), "lost_signal: shell merged SIGCHLD\n");
}

}  // namespace
}  // namespace pipewrench::test
