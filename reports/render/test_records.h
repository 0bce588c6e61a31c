// Records for tests: a lost wake-up and an overflow, as they come and with hostile bytes in them.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/parse_scenario.h"
#include "harness/scenario/trace_builder.h"
#include "harness/scenario/trace_json.h"
#include "reports/store/records.h"

namespace pipewrench::test {

inline Artefact file_of(const char* role, const char* name, std::string content) {
  return {.role = role,
          .name = name,
          .hash = "00112233445566778899aabbccddeeff",
          .bytes = content.size(),
          .content = std::move(content)};
}

inline FindingRecord lost_wakeup(const std::string& hostile) {
  TraceBuilder t{"waiter", "waker"};
  t.does("waiter", Call::mkfifo, "fifo ./room").writes("waker", "fifo ./room", "go" + hostile);
  t.does("waker", Call::msgsnd, "queue 0x1234", 0, "job 1" + hostile);
  t.last().message = 1;
  t.last().number = 7;
  t.reads("waiter", "fifo ./room", "go" + hostile).kills("waker", "waiter", SIGUSR1);
  t.last().detail = "SIGUSR1";
  t.does("waiter", Call::msgrcv, "queue 0x1234", 5, "job 1" + hostile);
  t.last().message = 1;
  t.stores("waker", "segment#1", "ready").handles("waiter", SIGUSR1);
  t.does("waiter", Call::open, "fifo ./room", -EINTR);
  t.last().flags = kInjected;
  t.exits("waker").rests("waiter", Call::pause, "", {"waker"});
  t.plan("before waiter#5 run waker\nwaiter#4 open fail EINTR\n");
  for (std::size_t i = 0; i < t.trace.steps.size(); ++i) t.trace.steps[i].time_ns = 1'500 * i;
  Scenario scenario{.name = "wakeup"};
  scenario.peers = {{.name = "waiter", .run = {"./waiter"}}, {.name = "waker", .run = {"./waker"}}};
  FindingRecord record{
      .id = "0123456789ab",
      .kind = "lost_signal",
      .signature = "lost_signal: waiter pause SIGUSR1" + hostile,
      .target = "wakeup" + hostile,
      .cause = "SIGUSR1 reaches waiter just before pause(), which never returns." + hostile,
      .peers = {"waiter"},
      .realism = "linux",
      .replay = "pipewrench replay pipewrench-out/lost_signal-0123456789ab",
      .first_run = 1,
      .last_run = 1,
      .times = 1};
  record.occurrences = {
      {.run = 1,
       .at_ms = 1'764'000'000'000,
       .tool = "conductor",
       .source = "wakeup.toml" + hostile,
       .repeated = 3,
       .tried = 3,
       .size = 2,
       .artefacts = {file_of("scenario", "scenario.toml", print_scenario(scenario)),
                     file_of("plan", "plan.txt", print(t.trace.plan)),
                     file_of("trace", "trace.jsonl", to_json_lines(t.trace)),
                     file_of("out", "waiter.out", "waiting\n" + hostile)}}};
  return record;
}

inline FindingRecord overflow(const std::string& hostile) {
  FindingRecord record{.id = "ba9876543210",
                       .kind = "heap-buffer-overflow",
                       .signature = "heap-buffer-overflow in decode < main" + hostile,
                       .target = "fuzz_frame" + hostile,
                       .cause = "decode() writes 4 bytes beyond a block of 16." + hostile,
                       .replay = "replay_frame input" + hostile,
                       .gdb = "gdb --args replay_frame input" + hostile,
                       .standing = Standing::known,
                       .first_run = 1,
                       .last_run = 2,
                       .times = 12};
  const StackFrame ours{.function = "decode(char const*)" + hostile,
                        .file = "targets/frame.cpp" + hostile,
                        .line = 12,
                        .column = 3,
                        .ours = true,
                        .source = "void decode() {\n  buffer[16] = 1;" + hostile + "\n}\n",
                        .source_line = 11};
  const StackFrame theirs{.function = "main", .module = "replay_frame", .offset = 0x4f2a};
  record.stacks = {{.title = "WRITE of size 4" + hostile, .frames = {ours, theirs}},
                   {.title = "allocated by", .frames = {theirs}}};
  record.occurrences = {
      {.run = 2,
       .at_ms = 1'764'000'100'000,
       .tool = "libfuzzer",
       .sanitizer = "asan",
       .source = "crash-1",
       .repeated = 5,
       .tried = 5,
       .size = 18,
       .artefacts = {file_of("input", "crash-1", "frame\x01\xff<b>\x1b[31m" + hostile),
                     file_of("operations", "operations.txt", "push 16 bytes\npop" + hostile + "\n"),
                     file_of("log", "log.txt", "==1==ERROR\n" + hostile)}}};
  return record;
}

inline Records records(const std::string& hostile = "") {
  FindingRecord ignored = overflow(hostile);
  ignored.id = "cccccccccccc";
  ignored.kind = "leak";
  ignored.cause = "a queue is left behind." + hostile;
  ignored.mark = Mark::ignored;
  ignored.standing = Standing::ignored;
  ignored.why = "by design, #12" + hostile;
  ignored.stacks.clear();
  Records all{.runs = {{.id = 1, .what = "explore wakeup", .outcome = "ended"},
                       {.id = 2,
                        .what = "nightly" + hostile,
                        .commit = "c0ffee00c0ffee",
                        .seed = "7",
                        .flags = "jobs=2" + hostile,
                        .started_ms = 1'764'000'000'000,
                        .seconds = 60.5,
                        .executions = 123456}},
              .findings = {lost_wakeup(hostile), overflow(hostile), ignored}};
  for (int i = 0; i < 12; ++i)
    for (const char* target : {"fuzz_frame", "fuzz_queue"})
      all.samples.push_back({.run = 2,
                             .target = target + hostile,
                             .engine = "libfuzzer",
                             .sanitizer = "asan",
                             .at_s = 5.0 * i,
                             .executions = 10'000ULL * static_cast<unsigned>(i),
                             .per_second = 2000.0 + 37 * (i * 7 % 5) + (target[5] == 'q' ? 700 : 0),
                             .edges = 100ULL + static_cast<unsigned>(20 * i - i * i),
                             .corpus = 5});
  return all;
}

}  // namespace pipewrench::test
