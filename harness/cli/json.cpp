// SPDX-License-Identifier: MIT
#include "harness/cli/json.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.h"
#include "harness/finding/finding_json.h"
#include "harness/finding/story.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

using nlohmann::json;

// What peers print is hostile: no byte of it may break the line or the encoding.
std::string dump(const json& object) {
  return object.dump(-1, ' ', true, json::error_handler_t::replace);
}

json of(const Finding& finding, const ReplayOf& replay_of) {
  return json::parse(to_json(finding, replay_of(finding)));
}

json lines_of(const Plan& plan) {
  json lines = json::array();
  for (const Deviation& deviation : plan) lines.push_back(print(deviation));
  return lines;
}

const char* ending_name(Ending ending) {
  constexpr const char* kNames[] = {"exited", "at_rest", "step_limit", "time_limit",
                                    "harness_error"};
  return kNames[static_cast<std::size_t>(ending)];
}

json of(const Verdict& verdict) {
  return {{"severity", verdict.severity == Severity::note ? "note" : "finding"},
          {"kind", verdict.kind},
          {"signature", verdict.signature},
          {"peers", verdict.peers},
          {"step", verdict.step},
          {"explanation", verdict.explanation}};
}

json peers_of(const Scenario& scenario, const Trace& trace) {
  json peers = json::array();
  for (std::uint32_t i = 0; i < trace.tasks.size(); ++i) {
    const Task& task = trace.tasks[i];
    if (task.parent != kNobody || task.thread || task.peer >= scenario.peers.size()) continue;
    json peer = {{"name", task.name}, {"ended_by_teardown", task.alive}, {"fate", fate(trace, i)}};
    if (WIFSIGNALED(task.status)) {
      peer["signal"] = signal_name(WTERMSIG(task.status));
    } else {
      peer["exit_status"] = WEXITSTATUS(task.status);
    }
    peers.push_back(std::move(peer));
  }
  return peers;
}

const char* verdict_of(const Answer& answer) {
  if (answer.ending == Ending::harness_error) return "harness_error";
  const auto is_finding = [](const Verdict& v) { return v.severity == Severity::finding; };
  return std::ranges::any_of(answer.verdicts, is_finding) ? "finding" : "pass";
}

}  // namespace

std::string run_json(const Scenario& scenario, const Trace& trace, const Answer& answer,
                     const Replays* replays) {
  json verdicts = json::array();
  for (const Verdict& verdict : answer.verdicts) verdicts.push_back(of(verdict));
  json object = {{"trace_hash", fmt::format("{:016x}", answer.trace_hash)},
                 {"steps", answer.steps},
                 {"unmanaged", answer.unmanaged},
                 {"unmanaged_of", answer.unmanaged_of},
                 {"ending", ending_name(answer.ending)},
                 {"plan", lines_of(answer.made)},
                 {"unused", lines_of(trace.unused)},
                 {"realism", realism_name(answer.realism)},
                 {"peers", peers_of(scenario, trace)},
                 {"verdict", verdict_of(answer)},
                 {"verdicts", std::move(verdicts)}};
  if (replays != nullptr)
    object["replays"] = {
        {"times", replays->times}, {"same", replays->same}, {"same_trace", replays->same_trace}};
  return dump(object);
}

std::string explore_json(const Exploration& exploration, double seconds,
                         const ReplayOf& replay_of) {
  const Progress& progress = exploration.progress;
  json findings = json::array(), notes = json::array();
  for (const Finding& finding : exploration.findings)
    (finding.note ? notes : findings).push_back(of(finding, replay_of));
  for (const std::string& remark : exploration.remarks) notes.push_back({{"explanation", remark}});
  return dump({{"runs", progress.runs},
               {"seconds", seconds},
               {"runs_per_second", static_cast<double>(progress.runs) / std::max(seconds, 1e-6)},
               {"steps", progress.steps},
               {"unmanaged", progress.unmanaged},
               {"unmanaged_of", exploration.unmanaged},
               {"behaviours", progress.behaviours},
               {"harness_errors", exploration.errors},
               {"findings", std::move(findings)},
               {"notes", std::move(notes)}});
}

std::string start_json(const Scenario& scenario, std::uint64_t seed) {
  return dump({{"event", "start"}, {"seed", seed}, {"scenario", scenario.name}});
}

std::string found_json(const Finding& finding, const ReplayOf& replay_of) {
  json event = {{"event", finding.note ? "note" : "finding"}};
  event.update(of(finding, replay_of));
  return dump(event);
}

}  // namespace pipewrench
