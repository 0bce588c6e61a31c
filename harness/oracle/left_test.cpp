// The oracles of what is left and of what else must not differ: leak, zombie, world_writable,
// wild_kill, restart, output, expect.
// SPDX-License-Identifier: MIT
#include <csignal>

#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

constexpr const char* kPreempt = "before writer#1 run reader";

TraceBuilder two(const char* plan = "") {
  TraceBuilder t{"writer", "reader"};
  return t.plan(plan);
}
TraceBuilder calm() { return two().exits("writer").exits("reader"); }

// --- leak ---
TraceBuilder leaves_queue(const char* plan) {
  TraceBuilder t = two(plan);
  t.does("writer", Call::msgget, "queue 0x61020304", 1).leaves("queue 0x61020304");
  return t;
}
TEST(leak, queue_of_a_peer) {
  expect_one(judged(leaves_queue("").exits("writer").exits("reader")), "leak: queue 0x61 of writer",
             "The queue 0x61020304 that writer made is left behind after it has ended");
  expect_one(judged(calm(), leaves_queue(kPreempt).exits("writer").exits("reader")),
             "leak: queue 0x61 of writer", "writer made");
  expect_one(judged(calm(), leaves_queue("reader#1 kill").killed("reader").exits("writer", 1)),
             "leak: queue 0x61 of writer", "writer made");
  expect_silent(judged(calm()));
}
TEST(leak, nobody_cleans_up_after_his_own_kill) {
  expect_one(judged(calm(), leaves_queue("writer#2 kill").killed("writer").exits("reader", 1)),
             "(note) leak: queue 0x61 of writer", "writer made");
}
TEST(leak, of_whom_nobody_outlived) {
  const auto last_of_two = [](bool is_last) {
    TraceBuilder t = two("reader#1 kill").does("writer", Call::msgget, "queue 0x61020304", 1);
    t.does("reader", Call::msgget, "queue 0x61020304", 1).leaves("queue 0x61020304");
    is_last ? t.exits("writer").killed("reader") : t.killed("reader").exits("writer");
    return t;
  };
  expect_one(judged(calm(), last_of_two(true)), "(note) leak: queue 0x61 of writer", "made");
  expect_one(judged(calm(), last_of_two(false)), "leak: queue 0x61 of writer", "made");
}
TEST(leak, of_whom_nobody_had_to_clean_up_after) {
  TraceBuilder quiet = two().does("writer", Call::mkfifo, "fifo ./room");
  quiet.exits("writer").does("reader", Call::unlink, "fifo ./room").exits("reader");
  quiet.object("fifo ./room").removed = static_cast<std::uint32_t>(quiet.trace.steps.size() - 2);
  const auto survived = [](int code) {
    TraceBuilder t = two("reader#2 kill").does("writer", Call::mkfifo, "fifo ./room");
    t.writes("writer", "fifo ./room", "a").reads("reader", "fifo ./room", "a");
    return t.leaves("fifo ./room").killed("reader").exits("writer", code);
  };
  expect_one(judged(quiet, survived(0)), "(note) leak: fifo ./room of writer", "made");
  expect_one(judged(quiet, survived(1)), "leak: fifo ./room of writer", "made");
}
TEST(leak, of_one_that_was_cut_short_in_its_sleep) {
  const auto sleeps = [](Call call) {
    TraceBuilder t = two("reader#1 kill").does("writer", Call::msgget, "queue 0x61020304", 1);
    t.leaves("queue 0x61020304").killed("reader");
    return t.rests("writer", call, "");
  };
  TraceBuilder quiet = two().exits("writer").exits("reader");
  expect_one(judged(quiet, sleeps(Call::nanosleep)), "(note) leak: queue 0x61 of writer", "made");
}
// Both sides of a FIFO may make it; the calm run shows whose it is.
TEST(leak, of_the_killed_though_a_survivor_came_first) {
  const auto fifo = [](const char* maker, const char* remover) {
    TraceBuilder t = two().does(maker, Call::mkfifo, "fifo ./room");
    t.exits("reader").does(remover, Call::unlink, "fifo ./room").exits("writer");
    t.object("fifo ./room").removed = static_cast<std::uint32_t>(t.trace.steps.size() - 2);
    return t;
  };
  TraceBuilder t = two("before writer#1 run reader\nwriter#1 kill");
  t.does("reader", Call::mkfifo, "fifo ./room").leaves("fifo ./room");
  t.killed("writer").exits("reader", 1);
  expect_one(judged(fifo("writer", "writer"), t), "(note) leak: fifo ./room of reader", "made");
  expect_one(judged(fifo("reader", "writer"), t), "leak: fifo ./room of reader", "made");
  expect_one(judged(fifo("reader", "reader"), t), "leak: fifo ./room of reader", "made");
}
// `rm` in a script is a child: killed, it removes nothing, and the script cannot help it.
TEST(leak, of_a_child_that_was_killed_before_it_removed) {
  const auto made_by_writer = [](const char* other, const char* plan) {
    TraceBuilder t{"writer", other};
    return t.plan(plan).does("writer", Call::mkfifo, "fifo ./room");
  };
  const auto judged_with = [&](const char* other) {
    TraceBuilder clean = made_by_writer(other, "").does(other, Call::unlink, "fifo ./room");
    clean.object("fifo ./room").removed = static_cast<std::uint32_t>(clean.trace.steps.size() - 1);
    TraceBuilder run = made_by_writer(other, (std::string(other) + "#1 kill").c_str());
    run.leaves("fifo ./room").killed(other).exits("writer");
    return judged(clean.exits(other).exits("writer"), run);
  };
  expect_one(judged_with("writer/1"), "(note) leak: fifo ./room of writer", "made");
  expect_one(judged_with("reader"), "leak: fifo ./room of writer", "made");
  TraceBuilder clean = made_by_writer("writer/1", "").does("writer/1", Call::unlink, "fifo ./room");
  clean.object("fifo ./room").removed = static_cast<std::uint32_t>(clean.trace.steps.size() - 1);
  clean.exits("writer/1").exits("writer");
  const auto judged_signal = [&](int death) {
    TraceBuilder run = made_by_writer("writer/1", "writer/1#1 signal SIGTERM");
    death == 0 ? run.exits("writer/1") : run.dies("writer/1", death);
    return judged(clean, run.leaves("fifo ./room").exits("writer"));
  };
  expect_one(judged_signal(SIGTERM), "(note) leak: fifo ./room of writer", "made");
  expect_one(judged_signal(0), "leak: fifo ./room of writer", "made");
}
TEST(leak, the_scenarios_own_and_results_are_none) {
  TraceBuilder t = two().leaves("queue 0x1").exits("writer").exits("reader");
  t.object("queue 0x1").maker = kNobody;
  t.does("writer", Call::open, "file ./result", 3).leaves("file ./result");
  expect_silent(judged(t));
  TraceBuilder run = t;
  run.plan(kPreempt);
  expect_silent(judged(t, run));
  Scenario scenario = scenario_of(t.trace);
  scenario.expect.nothing_left = false;
  const TraceBuilder leaky = leaves_queue("").exits("writer").exits("reader");
  EXPECT_EQ(texts(judge({scenario, leaky.trace, leaky.trace})), "");
}
TEST(leak, what_posix_names) {
  const auto leaves = [](Call call, const char* name) {
    TraceBuilder t = two().does("writer", call, name).leaves(name);
    return judged(t.exits("writer").exits("reader"));
  };
  expect_one(leaves(Call::open, "/dev/shm/board"), "leak: /dev/shm/board of writer",
             "The /dev/shm/board that writer made is left behind");
  expect_one(leaves(Call::mq_open, "mqueue /work"), "leak: mqueue /work of writer",
             "The mqueue /work that writer made is left behind");
  expect_silent(leaves(Call::open, "file ./result"));
}
TEST(leak, process_that_outlives_the_end) {
  TraceBuilder t{"writer", "reader", "writer/1"};
  t.trace.leftovers.push_back({.name = "writer/1", .process = true});
  expect_one(judged(t.exits("writer").exits("reader")), "leak: process writer/child",
             "still runs when all has been told to end");
  t.trace.leftovers[0].maker = 0;
  expect_one(judged(t), "leak: process writer/child",
             "still runs when writer, its parent, has been told to end and has ended");
}
TEST(leak, pipe_ends_that_nobody_can_use_again) {
  const auto daemon = [](int ends) {
    TraceBuilder t{"daemon", "daemon/1"};
    for (int i = 1; i <= ends; ++i) {
      const std::string pipe = "pipe#" + std::to_string(i);
      t.does("daemon", Call::pipe, pipe);
      t.trace.leftovers.push_back({.kind = ObjectKind::pipe, .name = pipe, .maker = 0});
    }
    return t.exits("daemon/1").rests("daemon", Call::sigtimedwait, "");
  };
  TraceBuilder t = daemon(1);
  t.plan("daemon/1#1 kill");
  expect_one(judged(daemon(0), t), "leak: descriptor of daemon", "a descriptor is lost");
  expect_silent(judged(daemon(1), t));
  expect_silent(judged(daemon(2)));
  TraceBuilder killed = daemon(1);
  killed.plan("daemon#1 kill").task("daemon").killed_by_plan = true;
  expect_one(judged(daemon(0), killed), "(note) leak: descriptor of daemon", "is lost");
}
TEST(leak, of_who_hangs_is_left_out) {
  TraceBuilder t = leaves_queue(kPreempt);
  t.rests("writer", Call::pause, "").exits("reader");
  EXPECT_EQ(texts(judged(calm(), t)), "hang: writer pause\n");
}

// --- zombie ---
TraceBuilder server(int dead) {
  TraceBuilder t{"server", "client"};
  for (int i = 1; i <= dead; ++i) {
    const std::string child = "server/" + std::to_string(i);
    t.born(child).exits(child).task(child).reaped = false;
  }
  return t.exits("client").rests("server", Call::accept, "socket ./s");
}
TEST(zombie, children_that_nobody_waits_for) {
  TraceBuilder t = server(1);
  t.plan("before server#1 run client");
  expect_one(judged(server(0), t), "leak: zombie server/child of server",
             "server lives on and never waits for server/1");
  expect_one(judged(server(3)), "leak: zombie server/child of server", "zombies");
  expect_one(judged(server(1)), "(note) leak: zombie server/child of server", "a zombie");
  expect_silent(judged(server(1), server(1)));
}

// --- world_writable ---
TEST(world_writable, mode_says_it) {
  TraceBuilder t =
      two().does("reader", Call::mkfifo, "fifo ./room").exits("writer").exits("reader");
  expect_silent(judged(t));
  t.object("fifo ./room").mode = 0666;
  expect_one(judged(t), "world_writable: fifo ./room of reader",
             "reader makes fifo ./room with mode 0666");
}

// --- wild_kill ---
TraceBuilder wild(const char* detail, int signal = SIGUSR1) {
  TraceBuilder t = two();
  t.kills("writer", "", signal);
  t.last().detail = detail;
  t.last().result = -ESRCH;
  t.last().flags = kWildTarget;
  return t;
}
TEST(wild_kill, by_target) {
  expect_one(judged(wild("SIGUSR1, everybody")), "wild_kill: writer SIGUSR1 to everybody",
             "writer#1 sends SIGUSR1 to every process that it may signal");
  expect_one(judged(wild("SIGUSR1, nobody")), "wild_kill: writer SIGUSR1 to no peer",
             "a PID that never was a peer's");
  expect_one(judged(wild("SIGUSR1, a foreign group")),
             "(note) wild_kill: writer SIGUSR1 to a process group", "none of its own");
  TraceBuilder t = wild("SIGUSR1, a foreign group").exits("writer").exits("reader");
  t.plan(kPreempt);
  expect_one(judged(calm(), t), "wild_kill: writer SIGUSR1 to a process group", "none of its own");
  expect_silent(judged(wild("0, nobody", 0)));
}
TEST(wild_kill, of_init_for_the_parent) {
  expect_one(judged(wild("SIGUSR1, init")), "wild_kill: writer SIGUSR1 to init", "PID 1");
  TraceBuilder t{"pool", "pool/1"};
  t.killed("pool").kills("pool/1", "", SIGUSR1);
  t.last().detail = "SIGUSR1, init";
  t.last().flags = kWildTarget;
  t.exits("pool/1").plan("pool#1 kill");
  TraceBuilder quiet{"pool", "pool/1"};
  quiet.kills("pool/1", "pool", SIGUSR1).exits("pool/1").exits("pool");
  expect_one(judged(quiet, t), "wild_kill: pool/child SIGUSR1 to init",
             "what getppid(2) says now that its parent pool has ended");
}
TEST(wild_kill, pid_that_nobody_filled_in) {
  TraceBuilder t = two().kills("writer", "", SIGUSR1).dies("writer", SIGUSR1).exits("reader", 1);
  t.plan("reader#1 kill");
  expect_one(judged(calm(), t), "wild_kill: writer SIGUSR1 to its own group", "kill(0)");
  TraceBuilder job = two().kills("writer", "", SIGTERM).exits("writer").exits("reader");
  job.plan("reader#1 kill");
  expect_silent(judged(calm(), job));
}
TEST(wild_kill, one_refusal_tells_of_a_death_the_second_is_wild) {
  TraceBuilder t = wild("SIGUSR1, ended reader");
  expect_silent(judged(t));
  t.trace.steps.push_back(t.last());
  expect_one(judged(t), "wild_kill: writer SIGUSR1 to a dead peer",
             "reader, which has ended, again");
}
TEST(wild_kill, of_a_child_that_it_has_waited_for) {
  const auto nudges = [](bool has_waited, bool is_program) {
    TraceBuilder t = wild("SIGUSR1, ended writer/1");
    const Step kill = t.last();
    t.trace.steps.pop_back();
    t.born("writer/1");
    if (is_program) {
      t.does("writer/1", Call::count_, "");
      t.last().event = Event::exec;
    }
    t.exits("writer/1");
    if (has_waited) {
      t.does("writer", Call::wait, "", 1);
      t.last().other = static_cast<std::uint32_t>(t.trace.tasks.size() - 1);
    }
    t.trace.steps.push_back(kill);
    return t.plan(kPreempt);
  };
  expect_one(judged(calm(), nudges(true, false)),
             "wild_kill: writer SIGUSR1 to a child that it has waited for",
             "writer/1, which it has waited for");
  expect_silent(judged(calm(), nudges(false, false)));
  expect_silent(judged(calm(), nudges(true, true)));  // a shell's `kill $!`
}
TEST(wild_kill, of_a_number_that_a_dead_stranger_left) {
  const auto signals = [](bool has_met) {
    TraceBuilder t = two("reader#1 kill");
    if (has_met) t.writes("reader", "fifo ./room", "7");
    t.killed("reader");
    if (has_met) t.reads("writer", "fifo ./room", "7");
    t.kills("writer", "", SIGHUP);
    t.last().detail = "SIGHUP, ended reader";
    t.last().result = -ESRCH;
    t.last().flags = kWildTarget;
    return t.exits("writer", 1);
  };
  expect_one(judged(calm(), signals(false)),
             "wild_kill: writer SIGHUP to a stranger that has ended",
             "reader, which ended before they ever met");
  expect_silent(judged(calm(), signals(true)));
}

// --- restart ---
TraceBuilder again(int code, int result) {
  TraceBuilder t = two("writer#2 kill\nwriter restart");
  t.does("writer", Call::mkfifo, "fifo ./room").killed("writer").born("writer");
  t.trace.tasks.back().peer = 0;
  t.does("writer", Call::count_, "");
  t.last().event = Event::restarted;
  t.does("writer", Call::mkfifo, "fifo ./room", result);
  return t.exits("writer", code).exits("reader");
}
TEST(restart, fails_on_what_its_dead_self_left) {
  expect_one(judged(calm(), again(1, -EEXIST)),
             "exit_status: restarted writer mkfifo fifo ./room EEXIST",
             "started again after a crash, fails in mkfifo(fifo ./room) (EEXIST)");
  expect_silent(judged(calm(), again(0, -EEXIST)));
  expect_silent(judged(calm(), again(1, 0)));
}
TEST(restart, what_it_is_used_to_is_no_reason) {
  const TraceBuilder quiet = two().does("writer", Call::mkfifo, "fifo ./hall", -EEXIST);
  expect_silent(judged(quiet, again(1, -EEXIST)));
  TraceBuilder retries = two().does("writer", Call::mkfifo, "fifo ./room", -EEXIST);
  retries.does("writer", Call::mkfifo, "fifo ./room");
  EXPECT_NE(texts(judged(retries, again(1, -EEXIST))), "");
}
TEST(restart, what_others_made_and_signals_are_no_reason) {
  TraceBuilder others = again(1, -EEXIST);
  others.object("fifo ./room").maker = 1;
  expect_silent(judged(calm(), others));
  TraceBuilder told = again(1, -EEXIST);
  told.trace.plan.push_back({.kind = Deviate::signal, .task = "writer", .n = 2, .number = SIGTERM});
  expect_silent(judged(calm(), told));
}
TEST(restart, is_not_explained_by_a_note_of_the_death) {
  TraceBuilder t = again(1, -EEXIST);
  t.leaves("fifo ./room");
  EXPECT_EQ(texts(judged(calm(), t)),
            "(note) leak: fifo ./room of writer\n"
            "exit_status: restarted writer mkfifo fifo ./room EEXIST\n");
}

// --- output ---
TEST(output, child_that_fails_unheard) {
  TraceBuilder quiet{"writer", "writer/1"};
  quiet.exits("writer/1").does("writer", Call::wait, "", 1);
  quiet.last().other = 1;
  quiet.exits("writer");
  const auto early = [](int child, int parent) {
    TraceBuilder t{"writer", "writer/1"};
    t.does("writer", Call::wait, "", -EINTR).exits("writer", parent);
    return t.does("writer/1", Call::msgsnd, "queue#1", -EIDRM)
        .exits("writer/1", child)
        .plan("before writer#1 run writer/1");
  };
  expect_one(judged(quiet, early(1, 0)), "exit_status: writer/child fails unheard",
             "writer/1 exits with 1 after writer has ended without waiting for it");
  expect_silent(judged(quiet, early(0, 0)));
}
TEST(output, differs_under_a_schedule) {
  const TraceBuilder quiet = calm().prints("reader", "sum 1\nsum 2\n");
  TraceBuilder t = calm().prints("reader", "sum 1\nsum 7\n");
  t.plan(kPreempt);
  expect_one(judged(quiet, t), "output: reader",
             "reader prints \"sum 7\" where the calm run says \"sum 2\"");
  t.plan("writer#1 kill");
  expect_silent(judged(quiet, t));
  TraceBuilder status =
      two(kPreempt).exits("writer").exits("reader", 3).prints("reader", "sum 1\nsum 2\n");
  expect_one(judged(quiet, status), "exit_status: reader exits with 3",
             "reader exits with 3; in the calm run it exits with 0");
}
TEST(output, tells_what_is_not_merely_in_another_place) {
  const TraceBuilder quiet = calm().prints("reader", "start\nsum 8\nend\n");
  TraceBuilder t = calm().prints("reader", "end\nstart\nsum 3\n");
  expect_one(judged(quiet, t.plan(kPreempt)), "output: reader",
             "reader prints \"sum 3\" where the calm run says \"sum 8\"");
}
TEST(output, of_others_is_explained_by_who_fails) {
  const TraceBuilder quiet = calm().prints("writer", "served\n");
  const TraceBuilder t = two(kPreempt).exits("writer").exits("reader", 1);
  expect_one(judged(quiet, t), "exit_status: reader exits with 1", "reader exits with 1");
}
TEST(output, order_of_several_sources_is_free) {
  TraceBuilder quiet{"make", "make/1", "make/2"};
  quiet.exits("make/1").exits("make/2").exits("make").prints("make", "cc a.c\ncc b.c\n");
  TraceBuilder t{"make", "make/1", "make/2"};
  t.exits("make/1").exits("make/2").exits("make").prints("make", "cc b.c\ncc a.c\n");
  expect_silent(judged(quiet, t.plan("before make/1#1 run make/2")));
  TraceBuilder mixed{"make", "make/1", "make/2"};
  mixed.exits("make/1").exits("make/2").exits("make").prints("make", "cc cc b.c\na.c\n");
  expect_one(judged(quiet, mixed.plan("before make/1#1 run make/2")), "(note) output: make", "");
}
TEST(output, of_programs_that_never_end_as_far_as_both_came) {
  TraceBuilder quiet = two().prints("reader", "a\nb\nc\n");
  quiet.trace.ending = Ending::time_limit;
  TraceBuilder t = two(kPreempt).prints("reader", "a\nb\n");
  t.trace.ending = Ending::time_limit;
  expect_silent(judged(quiet, t));
  t.prints("reader", "x\n");
  EXPECT_EQ(texts(judged(quiet, t)), "output: reader\n");
}

// --- expect ---
TEST(expect, what_the_scenario_says) {
  TraceBuilder t = calm().prints("reader", "one\ntwo\n");
  t.writes("writer", "fifo ./room", "abc");
  Scenario scenario = scenario_of(t.trace);
  const auto said = [&] { return texts(judge({scenario, t.trace, t.trace})); };
  ExpectPeer& reader = scenario.expect.peers.emplace_back();
  reader.peer = "reader";
  reader.exit_status = 0;
  reader.output = "one\ntwo\n";
  reader.output_has = {"two"};
  reader.output_lines = {"two", "one"};
  EXPECT_EQ(said(), "");
  reader.exit_status = 1;
  reader.output = "one\n";
  reader.output_has = {"three"};
  reader.output_lines = {"two", "three"};
  scenario.expect.conserve = {"fifo"};
  EXPECT_EQ(said(),
            "expect: reader exit status\nexpect: reader output\n"
            "expect: reader output has \"three\"\nexpect: reader output lines\n"
            "expect: writer conserve fifo\n");
}
TEST(expect, a_channel_is_found_by_its_path_and_missed_if_there_is_none) {
  TraceBuilder t = calm();
  t.writes("writer", "fifo ./room", "abc");
  Scenario scenario = scenario_of(t.trace);
  scenario.expect.conserve = {"fifo room", "fifo roon"};
  EXPECT_EQ(texts(judge({scenario, t.trace, t.trace})),
            "expect: writer conserve fifo room\n(note) expect: nobody uses fifo roon\n");
}
TEST(expect, of_the_calm_run_is_neither_explained_nor_doubted) {
  TraceBuilder t{"reader", "writer"};
  t.writes("writer", "pipe#1", "abc").dies("writer", SIGPIPE).exits("reader");
  Scenario scenario = scenario_of(t.trace);
  ExpectPeer& writer = scenario.expect.peers.emplace_back();
  writer.peer = "writer";
  writer.exit_status = 0;
  const auto said = [&] { return texts(judge({scenario, t.trace, t.trace})); };
  constexpr const char* kBoth =
      "(note) signal_death: writer SIGPIPE in write pipe\nexpect: writer exit status\n";
  EXPECT_EQ(said(), kBoth);
  t.trace.unmanaged = 1;
  EXPECT_EQ(said(), kBoth);
}

TEST(oracles, each_row_has_a_name_and_a_purpose) {
  for (const OracleRow& row : oracles()) {
    EXPECT_NE(row.judge, nullptr);
    EXPECT_NE(std::string(row.name), "");
    EXPECT_NE(std::string(row.what), "");
  }
  TraceBuilder broken = two();
  broken.trace.ending = Ending::harness_error;
  expect_silent(judged(broken));
}

}  // namespace
}  // namespace pipewrench::test
