// The conductor on real programs: as bare, the same every time, nothing left, and what a plan
// asks for.
// SPDX-License-Identifier: MIT
#include "harness/conduct/conductor.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/trace_bytes.h"
#include "harness/scenario/trace_diff.h"

namespace pipewrench {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#ifdef SLOW
constexpr int kRepeats = 5;  // the other build makes them all
#else
constexpr int kRepeats = 20;
#endif

Scenario one_peer(const std::vector<std::string>& run) {
  Scenario scenario;
  scenario.peers.push_back({.name = "peer", .run = run});
  return scenario;
}

// Starting it enters namespaces for good: each test is a process of its own.
class OnPrograms : public testing::Test {
 protected:
  void SetUp() override {
    auto started =
        Conductor::start({.cpu = static_cast<int>(getpid() % sysconf(_SC_NPROCESSORS_ONLN))});
    if (!started) GTEST_SKIP() << started.error();
    conductor_ = std::make_unique<Conductor>(std::move(*started));
  }
  Trace run(const Scenario& scenario, const Plan& plan = {}) {
    PlanPolicy policy(plan);
    Trace trace = conductor_->run(scenario, policy);
    EXPECT_NE(trace.ending, Ending::harness_error) << trace.error;
    return trace;
  }
  std::unique_ptr<Conductor> conductor_;
};

struct Bare {
  std::string out;
  int status = 0;
};

// In a directory of its own, like the sandbox; standard input is empty.
Bare run_bare(const std::string& command) {
  char directory[] = "/tmp/bare.XXXXXX";
  if (mkdtemp(directory) == nullptr) return {};
  const std::string line =
      "cd " + std::string(directory) + " && exec </dev/null 2>/dev/null && { " + command + "\n}";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(line.c_str(), "re"),
                                                   [](FILE*) { return 0; });
  Bare bare;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get()))
    bare.out.append(buffer, got);
  bare.status = pclose(pipe.get());
  EXPECT_EQ(std::system(("rm -rf " + std::string(directory)).c_str()), 0);
  return bare;
}

struct Program {
  const char* name;
  const char* command;  // of a shell
  const char* needs = "sh";
};
std::ostream& operator<<(std::ostream& out, const Program& program) { return out << program.name; }

constexpr Program kPrograms[] = {
    {"pipeline", "echo one two | tr ' ' '\\n' | sort -r | cat"},
    {"process_substitution", "bash -c 'diff <(seq 5) <(seq 6); echo $?'", "bash"},
    {"make_jobserver",
     "printf 'all: a b c d\\na b c d:\\n\\t@echo $@ > $@\\n' > Makefile; make -j4; cat a b c d",
     "make"},
    {"xargs", "seq 20 | xargs -P4 -n3 echo | sort -n", "xargs"},
    {"tar_gzip", "seq 20000 > f; tar --mtime=@0 -cf - f | gzip | gzip -dc | tar xOf - | cksum",
     "tar"},
    {"sort_threads", "seq 50000 | sort -r --parallel=4 -S 300K | cksum"},
    {"tee", "seq 5 | tee a b | wc -l; cat a b | wc -l"},
    {"timeout", "timeout 1 sleep 50; echo $?"},
    {"yes_head", "yes | head -n 1"},
    {"trap", "bash -c 'trap \"echo usr\" USR1; (kill -USR1 $$); wait; echo end'", "bash"},
    {"stop_continue", "sleep 50 & kill -STOP $!; kill -CONT $!; kill $!; wait $!; echo $?"},
    {"perl_pipe",
     "perl -e 'pipe(R,W); if (fork == 0) { close R; print W \"x\" x 100; exit 3 } close W; "
     "$n = read(R, $b, 1000); wait; print \"$n $?\\n\"'",
     "perl"},
    {"python_subprocess",
     "python3 -c 'import subprocess as s; print(s.run([\"seq\", \"3\"], "
     "capture_output=True).stdout)'",
     "python3"},
    {"python_pool",
     "python3 -c 'import multiprocessing as m\nif __name__ == \"__main__\":\n with m.Pool(2) as p: "
     "print(p.map(abs, range(-5, 5)))'",
     "python3"},
    {"daemon", "setsid sh -c 'sleep 1; echo late' & wait; echo done"},
    {"big_write", TEST_TARGET " big-write"},
    {"threads", TEST_TARGET " threads"},
    {"threads_static", TEST_TARGET "_static threads"},
    {"time_out", TEST_TARGET " time-out"},
    {"time_out_static", TEST_TARGET "_static time-out"},
    {"signalfd_epoll_timerfd", TEST_TARGET " events"},
    {"spawn_and_fork", TEST_TARGET " births"},
    {"select", TEST_TARGET " selects"},
    {"full_pipe", TEST_TARGET " full-pipe"},
    {"system_v", TEST_TARGET " system-v"},
    {"posix_queue", TEST_TARGET " posix-queue"},
    {"posix_memory", TEST_TARGET " posix-memory"},
    {"locks", TEST_TARGET " locks"},
    {"fifo", TEST_TARGET " fifo-pair"},
    {"alarm", TEST_TARGET " alarms"},
    {"death_signal", TEST_TARGET " death-signal"},
    {"edges", TEST_TARGET " edges"},
    {"many_reads", TEST_TARGET " many-reads"},
    {"wrong_end", "(read x <&1; echo $?) | cat; sleep 1 | sh -c 'echo x >&0; echo $?'"},
    {"ticks", TEST_TARGET " ticks"},
    {"stillborn", TEST_TARGET " stillborn"},
    {"random",
     "perl -e 'print keys %{{map {$_ => 1} a..z}}' | wc -c; head -c 99 /dev/urandom | wc -c",
     "perl"},
};

class EachProgram : public OnPrograms, public testing::WithParamInterface<Program> {
 protected:
  void SetUp() override {
    const std::string look = "command -v " + std::string(GetParam().needs) + " >/dev/null";
    if (std::system(look.c_str()) != 0) GTEST_SKIP() << "no " << GetParam().needs << " here";
    bare_ = run_bare(GetParam().command);
    OnPrograms::SetUp();
  }
  Bare bare_;
};

TEST_P(EachProgram, behaves_as_bare_and_the_same_every_time) {
  const Scenario scenario = one_peer({"/bin/sh", "-c", GetParam().command});
  const Trace first = run(scenario);
  ASSERT_EQ(first.outputs.size(), 1U);
  EXPECT_EQ(first.outputs[0].out, bare_.out);
  EXPECT_EQ(WEXITSTATUS(first.tasks[0].status), WEXITSTATUS(bare_.status));
  EXPECT_EQ(first.ending, Ending::exited);
  EXPECT_EQ(first.unmanaged, 0U);
  for (const Leftover& left : first.leftovers) EXPECT_FALSE(left.process) << left.name;
  for (int i = 1; i < kRepeats; ++i) {
    const Trace again = run(scenario);
    if (trace_hash(again) == trace_hash(first)) continue;
    FAIL() << "run " << i << " differs: " << first_difference(first, again);
  }
}

INSTANTIATE_TEST_SUITE_P(transparency, EachProgram, testing::ValuesIn(kPrograms),
                         [](const auto& chosen) { return std::string(chosen.param.name); });

TEST_F(OnPrograms, reports_a_program_that_is_not_there) {
  PlanPolicy calm({});
  const Trace trace = conductor_->run(one_peer({"./no-such-program"}), calm);
  EXPECT_EQ(trace.ending, Ending::harness_error);
  EXPECT_EQ(trace.error, "./no-such-program: no such program");
}

TEST_F(OnPrograms, runs_the_other_peer_first_where_the_plan_preempts) {
  Scenario scenario;
  scenario.peers.push_back({.name = "a", .run = {"/bin/mkdir", "lock"}});
  scenario.peers.push_back({.name = "b", .run = {"/bin/mkdir", "lock"}});
  const Trace calm = run(scenario);
  EXPECT_EQ(WEXITSTATUS(calm.tasks[0].status), 0);
  EXPECT_EQ(WEXITSTATUS(calm.tasks[1].status), 1);
  const auto plan = parse_plan("before a#1 run b", "plan");
  ASSERT_TRUE(plan);
  const Trace trace = run(scenario, *plan);
  EXPECT_EQ(WEXITSTATUS(trace.tasks[0].status), 1);
  EXPECT_EQ(WEXITSTATUS(trace.tasks[1].status), 0);
  EXPECT_EQ(trace.plan, *plan);
}

TEST_F(OnPrograms, kills_where_the_plan_says_and_starts_again) {
  Scenario scenario = one_peer({"/bin/sh", "-c", "echo x | cat"});
  const auto plan = parse_plan("peer#1 kill\npeer restart", "plan");
  ASSERT_TRUE(plan);
  const Trace trace = run(scenario, *plan);
  EXPECT_EQ(WTERMSIG(trace.tasks[0].status), SIGKILL);
  EXPECT_TRUE(trace.tasks[0].killed_by_plan);
  EXPECT_EQ(trace.outputs[0].out, "x\n");
  EXPECT_EQ(trace.unused.size(), 0U);
}

TEST_F(OnPrograms, gives_a_terminal_to_a_peer_that_wants_one) {
  Scenario scenario = one_peer({"/bin/sh", "-c", "test -t 0 && test -t 1 && test -t 2 && cat"});
  scenario.peers[0].input = "typed\nlast";
  scenario.peers[0].tty = true;
  const Trace trace = run(scenario);
  EXPECT_EQ(trace.ending, Ending::exited);
  EXPECT_EQ(trace.outputs[0].out, "typed\nlast");
  for (int i = 1; i < kRepeats; ++i) EXPECT_EQ(trace_hash(run(scenario)), trace_hash(trace));
}

TEST_F(OnPrograms, ends_what_rests_and_says_who_waited) {
  const Trace trace = run(one_peer({"/bin/sh", "-c", "mkfifo f; exec cat f"}));
  EXPECT_EQ(trace.ending, Ending::at_rest);
  ASSERT_FALSE(trace.waiting.empty());
  ASSERT_FALSE(trace.leftovers.empty());
  EXPECT_EQ(trace.leftovers[0].name, "fifo ./f");
}

TEST_F(OnPrograms, has_directories_for_all_programs_of_its_own) {
  const std::string tmp = "/tmp/pipewrench_own." + std::to_string(getpid());
  const std::string shared = "/dev/shm/pipewrench_own." + std::to_string(getpid());
  const Scenario scenario = one_peer(
      {"/bin/sh", "-c",
       "mkfifo " + tmp + " && echo x >" + shared + " && mktemp /tmp/pipewrench_own.XXXXXX"});
  const Trace first = run(scenario);
  EXPECT_EQ(WEXITSTATUS(first.tasks[0].status), 0);
  ASSERT_FALSE(first.leftovers.empty());
  EXPECT_TRUE(std::ranges::any_of(first.leftovers, [&](const Leftover& left) {
    return left.name == "fifo " + tmp && left.maker != kNobody;
  }));
  // The next run starts from nothing, and the machine has nothing of either.
  EXPECT_EQ(trace_hash(run(scenario)), trace_hash(first));
  EXPECT_NE(access(tmp.c_str(), F_OK), 0);
  EXPECT_NE(access(shared.c_str(), F_OK), 0);
}

TEST_F(OnPrograms, names_what_posix_queues_carry) {
  const Trace trace = run(one_peer({TEST_TARGET, "posix-queue"}));
  std::vector<std::string> received;
  for (const Step& step : trace.steps)
    if (step.event == Event::call && step.call == Call::mq_receive && step.result > 0)
      received.push_back(std::to_string(step.number) + ' ' + step.data.c_str());
  EXPECT_EQ(received, (std::vector<std::string>{"9 high", "1 low", "0 third"}));
}

TEST_F(OnPrograms, names_what_posix_objects_are_left_and_by_whom) {
  const Scenario scenario = one_peer({TEST_TARGET, "posix-left"});
  const Trace trace = run(scenario);
  std::vector<std::string> left;
  for (const Leftover& one : trace.leftovers) {
    left.push_back(one.name);
    EXPECT_EQ(one.maker, 0U) << one.name;
  }
  EXPECT_EQ(left,
            (std::vector<std::string>{"mqueue /left", "/dev/shm/board", "/dev/shm/sem.ready"}));
  EXPECT_EQ(trace_hash(run(scenario)), trace_hash(trace));    // they are gone
  const auto plan = parse_plan("peer#1 kill after", "plan");  // in the middle of mq_open(3)
  ASSERT_TRUE(plan);
  EXPECT_EQ(run(scenario, *plan).plan, *plan);
  EXPECT_EQ(trace_hash(run(scenario)), trace_hash(trace));
}

TEST_F(OnPrograms, names_the_semaphore_that_is_waited_for) {
  const Trace trace = run(one_peer({TEST_TARGET, "posix-memory"}));
  EXPECT_TRUE(trace.leftovers.empty());
  EXPECT_TRUE(std::ranges::any_of(trace.objects, [](const Object& object) {
    return object.name.starts_with("futex /dev/shm/sem.ready");
  }));
}

// Whether the FIFO is there when it is opened depends on who comes first.
TEST_F(OnPrograms, opening_what_is_not_there_yet_waits_for_its_turn) {
  Scenario scenario;
  scenario.peers.push_back({.name = "maker", .run = {"/bin/mkfifo", "f"}});
  scenario.peers.push_back(
      {.name = "user", .run = {"/bin/dd", "if=f", "iflag=nonblock", "count=0"}});
  EXPECT_EQ(WEXITSTATUS(run(scenario).tasks[1].status), 0);
  const auto plan = parse_plan("before maker#1 run user", "plan");
  ASSERT_TRUE(plan);
  EXPECT_EQ(WEXITSTATUS(run(scenario, *plan).tasks[1].status), 1);
}

// Wherever the run is cut: the child reads the end of its FIFO when its parent is told to end.
TEST_F(OnPrograms, tears_down_who_had_just_begun_to_wait) {
  Scenario scenario =
      one_peer({"/bin/sh", "-c",
                "mkfifo f; cat f >out & exec 3>f; while :; do echo line >&3; sleep 1; done"});
  for (std::uint32_t steps = 12; steps < 40; ++steps) {  // before, cat waits for a writer
    scenario.limits.steps = steps;
    for (const Leftover& left : run(scenario).leftovers)
      EXPECT_FALSE(left.process) << left.name << " after " << steps << " steps";
  }
}

TEST_F(OnPrograms, says_what_stands_in_semaphores) {
  const Trace trace = run(one_peer({TEST_TARGET, "system-v"}));
  std::vector<std::string> values;
  for (const Step& step : trace.steps)
    if (step.event == Event::call && step.call == Call::semop) values.push_back(step.data);
  EXPECT_EQ(values, (std::vector<std::string>{"1", "0"}));
}

// "peer/1#3 fill": the task's call of that name, in the calm run.
Plan at_call(const Trace& calm, Call call, const char* what) {
  for (const Step& step : calm.steps)
    if (step.call == call && step.n != 0) {
      const std::string line =
          calm.tasks[step.task].name + '#' + std::to_string(step.n) + ' ' + what;
      if (auto plan = parse_plan(line, "plan")) return *plan;
    }
  return {};
}

TEST_F(OnPrograms, a_full_queue_makes_the_sender_wait_until_nobody_else_can_go_on) {
  const Scenario scenario = one_peer({TEST_TARGET, "system-v"});
  const Trace calm = run(scenario);
  const Plan plan = at_call(calm, Call::msgsnd, "fill");
  ASSERT_EQ(plan.size(), 1U);
  const Trace trace = run(scenario, plan);
  EXPECT_EQ(trace.plan, plan);
  EXPECT_TRUE(trace.unused.empty());
  EXPECT_EQ(trace.outputs[0].out, calm.outputs[0].out);
  EXPECT_TRUE(std::ranges::any_of(trace.steps, [](const Step& step) {
    return step.event == Event::waits && step.call == Call::msgsnd;
  }));
}

TEST_F(OnPrograms, a_full_queue_refuses_once_who_must_not_wait) {
  const Scenario scenario = one_peer({TEST_TARGET, "sends-at-once"});
  const Trace calm = run(scenario);
  EXPECT_EQ(calm.outputs[0].out, "0\n");
  const Plan plan = at_call(calm, Call::msgsnd, "fill");
  const Trace trace = run(scenario, plan);
  EXPECT_EQ(trace.plan, plan);
  EXPECT_EQ(trace.outputs[0].out, "1\n");
}

TEST_F(OnPrograms, what_cannot_be_played_never_came_to_pass) {
  const Scenario scenario = one_peer({TEST_TARGET, "fifo-pair"});
  const Trace calm = run(scenario);
  for (const auto& [call, what] : {std::pair(Call::write, "fill"),
                                   {Call::wait, "remove"},
                                   {Call::wait, "timeout first"},
                                   {Call::open, "open short 1"}}) {
    const Plan plan = at_call(calm, call, what);
    ASSERT_EQ(plan.size(), 1U) << what;
    const Trace trace = run(scenario, plan);
    EXPECT_TRUE(trace.plan.empty()) << what;
    EXPECT_EQ(trace.unused, plan) << what;
    EXPECT_EQ(trace.steps, calm.steps) << what;
  }
}

TEST_F(OnPrograms, gives_up_on_who_reads_at_the_end_of_a_file_for_ever) {
  Scenario scenario = one_peer({TEST_TARGET, "endless-reads"});
  scenario.peers.push_back({.name = "other", .run = {"/bin/echo", "goes on"}});
  const Trace trace = run(scenario);
  EXPECT_EQ(trace.unmanaged, 1U);
  EXPECT_EQ(trace.outputs[1].out, "goes on\n");
}

// sort(1) has one handler for whatever ends it: none of its calls fails and goes on.
TEST_F(OnPrograms, interrupts_nobody_whose_handlers_all_end_it) {
  const Trace trace = run(one_peer({"/bin/sh", "-c", "sleep 1 | sort"}));
  EXPECT_TRUE(std::ranges::any_of(trace.steps, [](const Step& step) {
    return step.event == Event::waits && step.call == Call::read;
  }));
  for (const Step& step : trace.steps)
    if (step.call == Call::read) EXPECT_TRUE(step.legal_errors.empty());
}

// What it gets of /dev/urandom is its own: a schedule changes nothing of it.
TEST_F(OnPrograms, gives_each_task_its_own_random_bytes) {
  Scenario scenario;
  for (const char* name : {"a", "b"})
    scenario.peers.push_back(
        {.name = name, .run = {"/bin/sh", "-c", "head -c 9 /dev/urandom | od -t x1"}});
  const Trace calm = run(scenario);
  const auto plan = parse_plan("before a#1 run b", "plan");
  ASSERT_TRUE(plan);
  const Trace trace = run(scenario, *plan);
  ASSERT_EQ(trace.outputs.size(), 2U);
  EXPECT_NE(calm.outputs[0].out, calm.outputs[1].out);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(trace.outputs[i].out, calm.outputs[i].out);
}

TEST_F(OnPrograms, stops_before_a_handler_that_comes_late) {
  const Scenario scenario = one_peer({TEST_TARGET, "late-handler"});
  EXPECT_EQ(run(scenario).tasks[0].status, 0);
  const Trace trace = run(scenario, parse_plan("before peer#2 run peer/1", "plan").value());
  EXPECT_EQ(trace.tasks[0].status, SIGUSR1);
}

TEST_F(OnPrograms, knows_who_owns_a_mutex_and_who_is_joined) {
  const Scenario scenario = one_peer({TEST_TARGET, "crossed-locks"});
  const Trace calm = run(scenario);
  EXPECT_TRUE(calm.waiting.empty());
  // Each takes its own, and then wants the other's.
  Trace trace;
  for (std::uint32_t n = 1; n < 6 && trace.waiting.empty(); ++n)
    trace =
        run(scenario, {{.kind = Deviate::preempt, .task = "peer:2", .n = n, .other = "peer:3"}});
  ASSERT_EQ(trace.waiting.size(), 3U);
  for (const auto& [task, holder] : {std::pair(0U, 1U), {1U, 2U}, {2U, 1U}}) {
    EXPECT_EQ(trace.waiting[task].task, task);
    EXPECT_EQ(trace.waiting[task].holders, std::vector{holder});
  }
}

TEST_F(OnPrograms, bounds_a_peer_that_forks_without_end) {
  Scenario scenario = one_peer({"/bin/sh", "-c", "f() { f | f & }; f; wait"});
  scenario.limits.processes = 20;
  scenario.limits.steps = 500;
  const Trace trace = run(scenario);
  EXPECT_LT(trace.tasks.size(), 1'000U);  // of 500 steps, and those of the tear-down
  const Trace next = run(one_peer({"/bin/echo", "still here"}));
  EXPECT_EQ(next.outputs[0].out, "still here\n");
}

}  // namespace
}  // namespace pipewrench
