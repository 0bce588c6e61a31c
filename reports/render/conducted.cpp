// SPDX-License-Identifier: MIT
#include "reports/render/conducted.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/finding/ladder.h"
#include "harness/scenario/parse_scenario.h"
#include "harness/scenario/trace_json.h"

namespace pipewrench {
namespace {

bool is_victim(const Finding& finding, std::uint32_t task) {
  return task < finding.trace.tasks.size() &&
         (finding.peers.empty() ||
          std::ranges::find(finding.peers, finding.trace.tasks[task].name) != finding.peers.end());
}

std::optional<std::uint32_t> step_in_json(const FindingRecord& record) {
  const Artefact* file = artefact(record, "finding");
  if (file == nullptr) return {};
  const auto json = nlohmann::json::parse(file->content, nullptr, false);
  const auto step = json.is_object() ? json.find("step") : json.end();
  if (!json.is_object() || step == json.end() || !step->is_number_unsigned()) return {};
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(step->get<std::uint64_t>(), UINT32_MAX - 1));
}

// Where nothing says at which step it shows: where a victim waits at the end, or dies, or the last
// step before the tear-down.
std::uint32_t likely_step(const Finding& finding) {
  const Trace& trace = finding.trace;
  for (const Waiting& waiting : trace.waiting)
    if (is_victim(finding, waiting.task)) return waiting.step;
  const auto teardown = static_cast<std::uint32_t>(
      std::ranges::find(trace.steps, Event::teardown, &Step::event) - trace.steps.begin());
  for (std::uint32_t i = teardown; i-- > 0;)
    if (trace.steps[i].event == Event::died && is_victim(finding, trace.steps[i].task)) return i;
  return teardown == 0 ? 0 : teardown - 1;
}

}  // namespace

const Artefact* artefact(const FindingRecord& record, const std::string& role) {
  if (record.occurrences.empty()) return nullptr;
  for (const Artefact& one : record.occurrences[0].artefacts)
    if (one.role == role && one.damage.empty()) return &one;
  return nullptr;
}

std::optional<Conducted> conducted(const FindingRecord& record) {
  const Artefact* file = artefact(record, "trace");
  if (file == nullptr) return {};
  auto trace = parse_trace(file->content, file->name);
  if (!trace) return {};
  Conducted found;
  Finding& finding = found.finding;
  finding.id = record.id;
  finding.kind = record.kind;
  finding.signature = record.signature;
  finding.peers = record.peers;
  finding.explanation = record.cause;
  finding.trace = *std::move(trace);
  finding.plan = finding.trace.plan;
  finding.step = step_in_json(record).value_or(likely_step(finding));
  if (const Artefact* plan = artefact(record, "plan"); plan != nullptr)
    if (auto parsed = parse_plan(plan->content, plan->name)) finding.plan = *std::move(parsed);
  if (const Artefact* scenario = artefact(record, "scenario"); scenario != nullptr)
    if (auto parsed = parse_scenario(scenario->content, scenario->name))
      found.scenario = *std::move(parsed);
  found.relevant = relevant_steps(finding);
  return found;
}

}  // namespace pipewrench
