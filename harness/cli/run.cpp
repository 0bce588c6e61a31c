// pipewrench run: one run, calm or as a plan says, judged and shown.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/cli/json.h"
#include "harness/cli/load.h"
#include "harness/cli/store.h"
#include "harness/core/printable.h"
#include "harness/finding/perfetto.h"
#include "harness/finding/story.h"
#include "harness/oracle/words.h"
#include "harness/scenario/trace_bytes.h"
#include "harness/scenario/trace_json.h"

namespace pipewrench {
namespace {

constexpr std::size_t kMaxLines = 40;  // shown of each stream

void show_stream(const std::string& peer, char mark, const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  std::size_t shown = 0;
  while (std::getline(lines, line)) {
    if (shown++ == kMaxLines) {
      fmt::print("{}{} ...\n", peer, mark);
      return;
    }
    fmt::print("{}{} {}\n", peer, mark, printable(line));
  }
}

// How each peer has ended; of its children and threads, which of them did not.
void show_ends(const Trace& trace) {
  std::size_t shown = 0;
  for (std::uint32_t i = 0; i < trace.tasks.size(); ++i) {
    const Task& task = trace.tasks[i];
    const bool is_peer = task.parent == kNobody && !task.thread;
    if (!is_peer && (!task.alive || shown++ >= kMaxLines)) continue;
    fmt::print("{}: {}{}\n", task.name, task.alive ? fate(trace, i) + " when the run ends" : "",
               !is_peer     ? ""
               : task.alive ? "; ended by the tear-down, " + status_text(task.status)
                            : status_text(task.status));
  }
  if (trace.ending == Ending::step_limit || trace.ending == Ending::time_limit)
    fmt::print("the run does not end: cut after {} steps, at the limit of {}\n", trace.steps.size(),
               trace.ending == Ending::step_limit ? "steps" : "virtual time");
}

void show(const Arguments& arguments, const Scenario& scenario, const Trace& trace,
          const std::vector<Verdict>& verdicts) {
  for (std::size_t i = 0; i < std::min(trace.outputs.size(), scenario.peers.size()); ++i) {
    show_stream(scenario.peers[i].name, '|', trace.outputs[i].out);
    show_stream(scenario.peers[i].name, '!', trace.outputs[i].err);
  }
  show_ends(trace);
  if (trace.unmanaged > 0) fmt::print("{}\n", unmanaged_line(unmanaged_of(trace)));
  for (const Deviation& deviation : trace.unused)
    fmt::print("never came to pass: {}\n", print(deviation));
  for (const Verdict& verdict : verdicts)
    fmt::print("{}\n", paint(arguments, verdict.severity == Severity::note ? Ink::yellow : Ink::red,
                             plain(verdict_line(verdict))));
  if (verdicts.empty()) fmt::print("{}\n", paint(arguments, Ink::green, "pass"));
}

std::expected<void, std::string> write_files(const Arguments& arguments, const Trace& trace) {
  if (!arguments.trace.empty())
    if (auto wrote = write_file(arguments.trace, to_json_lines(trace)); !wrote) return wrote;
  if (!arguments.perfetto.empty()) return write_file(arguments.perfetto, perfetto(trace));
  return {};
}

}  // namespace

Exit run_command(const Arguments& arguments) {
  const auto scenario = load_scenario(arguments);
  if (!scenario) return complain(Exit::usage, scenario.error().text());
  warn_of_files(arguments, *scenario);
  Plan plan;
  if (!arguments.plan.empty()) {
    auto loaded = load_plan(arguments.plan, *scenario);
    if (!loaded) return complain(Exit::usage, loaded.error().text());
    plan = std::move(*loaded);
  }
  auto pool = start_pool(*scenario, arguments, arguments.seed);
  if (!pool) return pool.error();
  const Answer answer = (*pool)->run({.plan = plan, .want_trace = true, .certain = true});
  if (answer.ending == Ending::harness_error) return complain(Exit::harness, answer.error);
  const auto trace = unpack(answer.trace);
  if (!trace) return complain(Exit::harness, trace.error().text());
  if (const auto wrote = write_files(arguments, *trace); !wrote)
    return complain(Exit::environment, wrote.error());
  const bool is_finding = std::ranges::any_of(
      answer.verdicts, [](const Verdict& v) { return v.severity == Severity::finding; });
  if (arguments.json) {
    fmt::print("{}\n", run_json(*scenario, *trace, answer));
  } else {
    fmt::print("seed={} steps={} trace={:016x}\n", arguments.seed, answer.steps, answer.trace_hash);
    show(arguments, *scenario, *trace, answer.verdicts);
    if (arguments.timeline) fmt::print("{}", ladder(*trace, ladder_style()));
  }
  return is_finding ? Exit::findings : Exit::nothing;
}

}  // namespace pipewrench
