// What people and programs get to read of a finding.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "harness/finding/arrows.h"
#include "harness/finding/finding_json.h"
#include "harness/finding/perfetto.h"
#include "harness/finding/story.h"
#include "harness/scenario/trace_builder.h"

namespace pipewrench::test {
namespace {

Finding lost_wakeup() {
  TraceBuilder t{"waiter", "waker", "bystander"};
  t.does("waiter", Call::mkfifo, "fifo ./room").does("bystander", Call::msgsnd, "queue#1");
  t.writes("waker", "fifo ./room", "go\n").reads("waiter", "fifo ./room", "go\n");
  t.kills("waker", "waiter", SIGUSR1).handles("waiter", SIGUSR1);
  t.last().n = 3;
  t.trace.steps[4].detail = "SIGUSR1";
  t.exits("waker").rests("waiter", Call::pause, "").plan("before waiter#3 run waker");
  Finding finding;
  finding.id = "0123456789ab";
  finding.kind = "lost_signal";
  finding.signature = "lost_signal: waiter pause SIGUSR1";
  finding.peers = {"waiter"};
  finding.plan = t.trace.plan;
  finding.explanation = "SIGUSR1 reaches waiter just before waiter#3 pause().";
  finding.step = 7;
  finding.trace = t.trace;
  return finding;
}
Scenario scenario_of(const Finding& finding) {
  Scenario scenario;
  for (const Task& task : finding.trace.tasks)
    scenario.peers.push_back({.name = task.name, .run = {"./" + task.name, "a\x1b[31m"}});
  return scenario;
}

TEST(story, tells_the_plan_and_what_happens) {
  const Finding finding = lost_wakeup();
  EXPECT_EQ(story(finding, scenario_of(finding), "pipewrench replay x", {.width = 80}),
            "lost_signal: waiter pause SIGUSR1 (1 deviation, realism linux)\n"
            "\n"
            "SIGUSR1 reaches waiter just before waiter#3 pause().\n"
            "\n"
            "Smallest plan:\n"
            "  before waiter#3 run waker\n"
            "\n"
            "Peers:\n"
            "  waiter: ./waiter a\\x1b[31m\n"
            "  waker: ./waker a\\x1b[31m\n"
            "  bystander: ./bystander a\\x1b[31m\n"
            "\n"
            "What happens:\n"
            "      waiter                             | waker\n"
            "    0 #1 mkfifo(fifo ./room) = 0         |\n"
            "    ... 1 step\n"
            "    2                                    | #1 write(fifo ./room) = 3 \"go\\n\"\n"
            "    3 #2 read(fifo ./room) = 3 \"go\\n\"    |\n"
            "      * before waiter#3 run waker\n"
            "    4                                    | #2 kill(waiter, SIGUSR1) = 0\n"
            "    5 handler of SIGUSR1                 |\n"
            "    6                                    | exits with 0\n"
            "    7 #3 pause() waits                   |\n"
            "\n"
            "Again: pipewrench replay x\n");
}
TEST(story, of_the_calm_run_and_of_what_does_not_repeat) {
  Finding finding = lost_wakeup();
  finding.plan.clear();
  finding.note = finding.unstable = true;
  const std::string text = story(finding, {}, "", {});
  EXPECT_TRUE(text.starts_with("note: lost_signal: waiter pause SIGUSR1 (0 deviations"));
  EXPECT_NE(text.find("No deviation is needed"), std::string::npos);
  EXPECT_NE(text.find("did not repeat"), std::string::npos);
}

TEST(ladder, whole_run_in_utf8_and_as_a_list) {
  const Finding finding = lost_wakeup();
  const std::string wide = ladder(finding.trace, {.utf8 = true, .width = 120});
  EXPECT_NE(wide.find("\xe2\x94\x82"), std::string::npos);
  EXPECT_NE(wide.find("#1 write(fifo ./room) = 3 \"go\\n\""), std::string::npos);
  const std::string narrow = ladder(finding.trace, {.width = 40});
  EXPECT_NE(narrow.find("    2 waker #1 write(fifo ./room) = 3 \"go\\n\"\n"), std::string::npos);
}
TEST(ladder, hostile_names_are_printable) {
  TraceBuilder t{"writer"};
  t.writes("writer", "fifo ./a\x1b]0;b\n", "\x07\xff").exits("writer");
  for (const char c : ladder(t.trace, {}))
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c < 0x7f)) << static_cast<int>(c);
}
TEST(ladder, semaphores_show_operation_and_values_and_a_result_is_not_cut) {
  TraceBuilder t{"clerk", "other"};
  t.does("clerk", Call::semop, "semaphore ftok(./ledger, 'a')", -EAGAIN);
  t.last().detail = "[0] -1 undo";
  t.does("other", Call::semop, "semaphore#2", 0, "0, 7");
  t.last().detail = "[1] +1";
  const std::string text = ladder(t.trace, {.width = 100});
  EXPECT_NE(text.find("#1 semop(semaphore ftok(./ledger,~) = EAGAIN"), std::string::npos) << text;
  EXPECT_NE(text.find("#1 semop(semaphore#2, [1] +1) = 0, now 0, 7\n"), std::string::npos) << text;
}
TEST(ladder, repetition_is_one_row) {
  TraceBuilder t{"reader", "writer"};
  t.killed("writer");
  for (int i = 0; i < 300; ++i) t.does("reader", Call::read, "pipe#1", 0);
  Finding finding;
  finding.peers = {"reader"};
  finding.step = 300;
  finding.trace = t.trace;
  const std::string text = ladder(finding.trace, relevant_steps(finding), {});
  EXPECT_NE(text.find("#1 read(pipe#1) = 0, 300 times"), std::string::npos) << text;
}
TEST(ladder, what_a_loop_does_is_shown_once) {
  TraceBuilder t{"reader", "writer"};
  for (int i = 0; i < 200; ++i) t.writes("writer", "pipe#1", "a").reads("reader", "pipe#1", "a");
  Finding finding;
  finding.peers = {"reader"};
  finding.step = 399;
  finding.trace = t.trace;
  const std::string text = ladder(finding.trace, relevant_steps(finding), {});
  EXPECT_NE(text.find("... these 2 rows come 200 times"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4) << text;
}
// 200 lines go from writer to reader, of whom one read fails after the given one.
Finding long_run(std::uint32_t step, int fails_after, const char* plan) {
  TraceBuilder t{"reader", "writer"};
  for (int i = 0; i < 200; ++i) {
    const std::string data = std::to_string(i);
    t.writes("writer", "pipe#1", data).reads("reader", "pipe#1", data);
    if (i == fails_after) t.does("reader", Call::read, "pipe#1", -EAGAIN);
  }
  Finding finding;
  finding.peers = {"reader"};
  finding.step = step;
  finding.trace = t.plan(plan).trace;
  return finding;
}
TEST(ladder, long_runs_are_shortened_around_the_finding) {
  const Finding finding = long_run(399, -1, "");
  const std::vector<std::uint32_t> steps = relevant_steps(finding);
  EXPECT_EQ(steps.size(), kMostRows);
  EXPECT_EQ(steps.front(), 0U);
  EXPECT_EQ(steps.back(), 399U);
  EXPECT_NE(ladder(finding.trace, steps, {}).find("... 360 steps"), std::string::npos);
}
TEST(ladder, long_runs_keep_what_the_plan_did_and_what_failed) {
  Finding finding = long_run(60, 90, "writer#150 timeout first");
  const std::vector<std::uint32_t> steps = relevant_steps(finding);
  EXPECT_EQ(steps.size(), kMostRows);
  for (const std::uint32_t step : {0U, 60U, 299U})
    EXPECT_TRUE(std::ranges::count(steps, step) == 1) << step;
  EXPECT_NE(ladder(finding.trace, steps, {}).find("* writer#150 timeout first"), std::string::npos);
  finding.step = 398;
  EXPECT_TRUE(std::ranges::count(relevant_steps(finding), 182U) == 1);
}
TEST(ladder, of_nothing_is_nothing) { EXPECT_EQ(ladder(Trace{}, {}), ""); }

TEST(finding_json, has_the_fields_that_scripts_read) {
  Finding finding = lost_wakeup();
  finding.peers.push_back("\xff");
  EXPECT_EQ(to_json(finding, "pipewrench replay x"),
            R"({"id":"0123456789ab","kind":"lost_signal",)"
            R"("signature":"lost_signal: waiter pause SIGUSR1",)"
            R"("peers":["waiter","\ufffd"],"plan":["before waiter#3 run waker"],"realism":"linux",)"
            R"("explanation":"SIGUSR1 reaches waiter just before waiter#3 pause().","step":7,)"
            R"("replay":"pipewrench replay x"})");
}

TEST(arrows, from_what_was_sent_to_who_received_it) {
  TraceBuilder t{"a", "b"};
  t.writes("a", "pipe#1", "one").writes("a", "pipe#1", "two").reads("b", "pipe#1", "onet");
  t.does("a", Call::msgsnd, "queue#1").last().message = 1;
  t.does("a", Call::msgsnd, "queue#1").last().message = 2;
  t.does("b", Call::msgrcv, "queue#1").last().message = 2;
  t.kills("a", "b", SIGUSR1).handles("b", SIGUSR1).kills("a", "b", SIGTERM).dies("b", SIGTERM);
  EXPECT_EQ(arrows(t.trace), (std::vector<Arrow>{{0, 2, ArrowKind::bytes},
                                                 {1, 2, ArrowKind::bytes},
                                                 {4, 5, ArrowKind::message},
                                                 {6, 7, ArrowKind::signal},
                                                 {8, 9, ArrowKind::signal}}));
}

TEST(perfetto, lanes_slices_and_arrows) {
  const Finding finding = lost_wakeup();
  const auto json = nlohmann::json::parse(perfetto(finding.trace));
  std::map<std::string, int> count;
  for (const auto& event : json.at("traceEvents")) {
    ++count[event.at("ph")];
    EXPECT_GE(event.at("pid").get<int>(), 1);
  }
  EXPECT_EQ(count["M"], 6);
  EXPECT_EQ(count["X"], 6);  // five calls and a wait
  EXPECT_EQ(count["i"], 2);
  EXPECT_EQ(count["s"], 2);  // the line and the signal
  EXPECT_EQ(count["f"], 2);
}

}  // namespace
}  // namespace pipewrench::test
