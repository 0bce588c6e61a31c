// SPDX-License-Identifier: MIT
#include "harness/cli/record.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "harness/cli/store.h"
#include "harness/finding/finding_json.h"
#include "harness/finding/story.h"
#include "harness/intake/take.h"

namespace pipewrench {
namespace {

std::string flags_of(const Arguments& arguments) {
  std::string flags = "realism=" + realism_name(arguments.realism);
  if (arguments.budget_ms > 0) flags += " budget=" + std::to_string(arguments.budget_ms) + "ms";
  if (arguments.runs > 0) flags += " runs=" + std::to_string(arguments.runs);
  return flags + " jobs=" + std::to_string(arguments.jobs);
}

}  // namespace

Stored<void> check_run(FindingStore& store, std::int64_t run) {
  const auto all = store.read(FindingStore::Contents::are_left);
  if (!all) return std::unexpected(all.error());
  if (std::ranges::find(all->runs, run, &RunRecord::id) != all->runs.end()) return {};
  return std::unexpected(StoreError{.bad_input = true,
                                    .text = "the store has no run " + std::to_string(run) +
                                            "; pipewrench record begin makes one"});
}

std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string commit_of_environment() {
  for (const char* name : {"PIPEWRENCH_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA"})
    if (const char* commit = std::getenv(name)) return commit;
  return "";
}

FindingRecord record_of(const Finding& finding, const Scenario& scenario,
                        const std::string& replay) {
  Occurrence occurrence{.tool = "conductor",
                        .source = replay.empty() ? scenario.name : finding.kind + "-" + finding.id,
                        .repeated = finding.repeated,
                        .tried = finding.unstable ? kRepetitions : finding.repeated,
                        .size = finding.plan.size()};
  for (FindingFile& file : files_of(finding, scenario, replay, to_json(finding, replay)))
    occurrence.artefacts.push_back(
        {.role = file.role, .name = std::move(file.name), .content = std::move(file.text)});
  FindingRecord record{.id = finding.id,
                       .kind = finding.kind,
                       .signature = finding.signature,
                       .target = scenario.name,
                       .cause = finding.explanation,
                       .peers = finding.peers,
                       .realism = realism_name(finding.realism),
                       .replay = replay,
                       .gdb = finding.peers.empty() || replay.empty()
                                  ? ""
                                  : replay + " --gdb " + shell_word(finding.peers[0]),
                       .note = finding.note,
                       .unstable = finding.unstable};
  record.occurrences.push_back(std::move(occurrence));
  std::vector<std::string> plan;
  for (const Deviation& deviation : finding.plan) plan.push_back(print(deviation));
  // Of notes nothing is counted: each is what its oracle says.
  if (!finding.note && !finding.unstable)
    call_by_cause({finding.kind, finding.signature, finding.explanation, finding.peers}, plan,
                  record);
  return record;
}

Stored<SearchRecord> SearchRecord::begin(const Arguments& arguments, const Scenario& scenario) {
  auto store = FindingStore::open(arguments.out, FindingStore::Missing::is_made);
  if (!store) return std::unexpected(store.error());
  RunRecord run{.what = "explore " + scenario.name,
                .commit = commit_of_environment(),
                .seed = std::to_string(arguments.seed),
                .flags = flags_of(arguments),
                .started_ms = wall_clock_ms()};
  run.id = arguments.run;
  if (arguments.run == 0) {
    const auto id = store->begin(run);
    if (!id) return std::unexpected(id.error());
    run.id = *id;
  } else if (const auto there = check_run(*store, arguments.run); !there) {
    return std::unexpected(there.error());
  }
  return SearchRecord(std::move(*store), scenario, std::move(run), arguments.run == 0);
}

Stored<Standing> SearchRecord::take(const Finding& finding, const std::string& replay) {
  FindingRecord record = record_of(finding, scenario_, replay);
  auto id = store_.id_for(record);
  if (!id) return std::unexpected(id.error());
  record.id = std::move(*id);
  record.occurrences[0].run = run_.id;
  record.occurrences[0].at_ms = wall_clock_ms();
  const auto [known, is_first] = is_note_.emplace(record.id, record.note);
  if (!is_first) known->second = known->second && record.note;
  return store_.take(record);
}

SearchRecord::Causes SearchRecord::causes() const {
  const auto notes = static_cast<std::size_t>(
      std::ranges::count_if(is_note_, [](const auto& one) { return one.second; }));
  return {.findings = is_note_.size() - notes, .notes = notes};
}

Stored<void> SearchRecord::end(const Progress& progress, double seconds,
                               const std::string& outcome) {
  run_.seconds = seconds;
  run_.executions = progress.runs;
  run_.outcome = outcome;
  const auto sampled = store_.add({.run = run_.id,
                                   .target = scenario_.name,
                                   .engine = "conductor",
                                   .at_s = seconds,
                                   .executions = progress.runs,
                                   .per_second = static_cast<double>(progress.runs) / seconds,
                                   .edges = progress.behaviours});
  return sampled && is_own_ ? store_.end(run_) : sampled;
}

}  // namespace pipewrench
