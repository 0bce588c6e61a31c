// SPDX-License-Identifier: MIT
#include <csignal>

#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

TraceBuilder calm() {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "fifo ./room", "one").writes("writer", "fifo ./room", "two");
  t.reads("reader", "fifo ./room", "onetwo").exits("writer").exits("reader");
  return t;
}
TraceBuilder broken(const std::string& detail, const char* plan) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "fifo ./room", "one").reads("reader", "fifo ./room", "one");
  t.exits("reader").does("writer", Call::write, "fifo ./room", -EPIPE);
  t.last().detail = detail;
  return t.dies("writer", SIGPIPE).plan(plan);
}

TEST(signal_death, sigpipe_when_the_reader_leaves_early) {
  expect_one(judged(calm(), broken("fd 3, \"two\"", "before writer#2 run reader")),
             "signal_death: writer SIGPIPE in write fifo ./room",
             "writer#2 dies of SIGPIPE in write(fifo ./room)");
}
TEST(signal_death, filter_on_its_standard_output_is_a_note) {
  expect_one(judged(calm(), broken("fd 1, \"two\"", "before writer#2 run reader")),
             "(note) signal_death: writer SIGPIPE in write fifo ./room", "writer#2 dies");
  expect_one(judged(calm(), broken("fd 10, \"two\"", "before writer#2 run reader")),
             "signal_death: writer SIGPIPE in write fifo ./room", "writer#2 dies");
}
TEST(signal_death, program_of_a_shell_is_a_note) {
  TraceBuilder t{"sh", "sh/1", "sh/2"};
  t.does("sh/1", Call::execve, "");
  t.last().event = Event::exec;
  t.reads("sh/2", "pipe#1", "a").killed("sh/2").does("sh/1", Call::write, "pipe#1", -EPIPE);
  t.dies("sh/1", SIGPIPE).exits("sh").plan("sh/2#2 kill");
  TraceBuilder quiet{"sh", "sh/1", "sh/2"};
  quiet.exits("sh/1").exits("sh/2").exits("sh");
  expect_one(judged(quiet, t), "(note) signal_death: sh/child SIGPIPE in write pipe",
             "sh/1#2 dies");
}
TEST(signal_death, sigpipe_of_a_thread) {
  TraceBuilder t{"writer", "reader", "writer:2"};
  t.does("writer", Call::futex, "futex#1").reads("reader", "fifo ./room", "one").exits("reader");
  t.does("writer:2", Call::write, "fifo ./room", -EPIPE).dies("writer", SIGPIPE);
  t.plan("before writer:2#1 run reader");
  expect_one(judged(calm(), t), "signal_death: writer SIGPIPE in write fifo ./room",
             "writer:2#1 dies of SIGPIPE in write(fifo ./room)");
}
TEST(signal_death, child_of_a_parent_that_has_gone_or_ends_it_is_a_note) {
  const auto child = [](const char* plan) {
    TraceBuilder t{"writer", "writer/1"};
    return t.does("writer/1", Call::write, "pipe#1", -EPIPE).dies("writer/1", SIGPIPE).plan(plan);
  };
  TraceBuilder quiet{"writer", "writer/1"};
  quiet.exits("writer/1").exits("writer");
  TraceBuilder gone = child("writer#3 signal SIGTERM").dies("writer", SIGTERM);
  expect_one(judged(quiet, gone), "(note) signal_death: writer/child SIGPIPE in write pipe",
             "writer/1#1 dies");
  TraceBuilder ended = child("writer#2 timeout first");
  ended.kills("writer", "writer/1", SIGKILL).exits("writer");
  expect_one(judged(quiet, ended), "(note) signal_death: writer/child SIGPIPE in write pipe",
             "writer/1#1 dies");
  expect_one(judged(quiet, child("writer#2 timeout first").exits("writer")),
             "signal_death: writer/child SIGPIPE in write pipe", "writer/1#1 dies");
}
TEST(signal_death, scenario_has_the_last_word) {
  const TraceBuilder quiet = calm();
  const TraceBuilder t = broken("fd 1, \"two\"", "reader#2 kill");
  Scenario scenario = scenario_of(quiet.trace);
  scenario.peers[0].sigpipe = Sigpipe::fatal;
  EXPECT_EQ(judge({scenario, quiet.trace, t.trace}).at(0).severity, Severity::finding);
  scenario.peers[0].sigpipe = Sigpipe::fine;
  EXPECT_EQ(judge({scenario, quiet.trace, t.trace}).at(0).severity, Severity::note);
}
TEST(signal_death, handler_installed_too_late) {
  TraceBuilder quiet{"writer", "reader"};
  quiet.kills("writer", "reader", SIGUSR1).handles("reader", SIGUSR1);
  quiet.exits("writer").exits("reader");
  TraceBuilder t{"writer", "reader"};
  t.kills("writer", "reader", SIGUSR1).dies("reader", SIGUSR1).exits("writer");
  t.plan("before reader#1 run writer");
  expect_one(judged(quiet, t), "signal_death: reader SIGUSR1 from writer",
             "reader dies of SIGUSR1, sent by writer#1");
  expect_silent(judged(quiet, quiet));
}
TEST(signal_death, time_limit_of_a_survivor_is_a_note) {
  TraceBuilder quiet{"client", "server"};
  quiet.exits("server").exits("client");
  TraceBuilder t{"client", "server"};
  t.killed("server").dies("client", SIGALRM).plan("server#1 kill");
  expect_one(judged(quiet, t), "(note) signal_death: client SIGALRM", "client dies of SIGALRM");
}
TEST(signal_death, planned_signals_and_ends_by_wish_are_none) {
  TraceBuilder quiet{"server", "client"};
  quiet.exits("server").exits("client");
  TraceBuilder t{"server", "client"};
  t.dies("server", SIGUSR1).exits("client").plan("server#1 signal SIGUSR1");
  expect_silent(judged(quiet, t));
  TraceBuilder ended{"server", "client"};
  ended.kills("client", "server", SIGTERM).dies("server", SIGTERM).exits("client");
  expect_silent(judged(ended, ended));
}

}  // namespace
}  // namespace pipewrench::test
