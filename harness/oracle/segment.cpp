// Oracle: shared memory overwritten or cleared before it was read. Publishing the newest value is
// no bug: it counts only where something is missing in what a peer shows, and the store is what
// tells why.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

constexpr std::size_t kShortestText = 3;  // less is found in any output by chance

// What stands in the segment, as a C program would print it.
std::string_view text_of(const Step& store) {
  const std::string_view text = std::string_view(store.data).substr(0, store.data.find('\0'));
  const bool is_text = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
  return is_text ? text : "";
}

std::size_t shown(const Trace& trace, std::string_view text) {
  std::size_t count = 0;
  for (const Output& output : trace.outputs)
    for (std::size_t at = output.out.find(text); at != std::string::npos;
         at = output.out.find(text, at + text.size()))
      ++count;
  return count;
}

// By peer: a fork has what its parent has attached.
bool is_attached(const Trace& run, std::uint32_t task, std::uint32_t object) {
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.object == object && (step.call == Call::shmat || step.event == Event::stored) &&
           step.task < run.tasks.size() && run.tasks[step.task].peer == run.tasks[task].peer;
  });
}

// Whether another task that has the segment ran in between. Who makes no step does not run.
bool others_ran(const Trace& run, const Step& from, const Step& to) {
  for (const Step* step = &from + 1; step != &to; ++step)
    if (step->task != from.task && step->task < run.tasks.size() && step->event != Event::waits &&
        is_attached(run, step->task, from.object))
      return true;
  return false;
}

const Step* next_store(const Trace& run, const Step& from) {
  for (const Step* step = &from + 1; step != run.steps.data() + run.steps.size(); ++step)
    if (step->event == Event::stored && step->object == from.object) return step;
  return nullptr;
}

Verdict verdict_of(const Trace& run, const Step& lost, const Step& by) {
  const bool is_cleared = by.task != lost.task;
  const std::string how = is_cleared ? "cleared" : "overwritten";
  return {.kind = "lost_data",
          .signature = "lost_data: " + object_role(run, lost.object) + ' ' + how + " by " +
                       role_of(run, by.task),
          .peers = {run.tasks[by.task].name, run.tasks[lost.task].name},
          .step = static_cast<std::uint32_t>(&by - run.steps.data()),
          .explanation = "What " + name_of(run, lost.task) + " stores in " +
                         object_name(run, lost.object) + " is " + how + " by " +
                         name_of(run, by.task) + " before anybody has read it."};
}

bool is_lost(const Case& c, const Step& store, const Step& next) {
  if (next.task == store.task && !others_ran(c.run, store, next)) return true;
  const std::string_view text = text_of(store);
  if (text.size() < kShortestText) return false;
  return shown(c.run, text) < shown(c.calm, text);
}

}  // namespace

std::vector<Verdict> judge_segment(const Case& c) {
  std::vector<Verdict> verdicts;
  if (c.is_calm() || !means_of(c.run).transparent()) return verdicts;
  bool has_harm = false;
  for (const Step& step : c.run.steps) {
    if (step.event != Event::stored || step.object >= c.run.objects.size()) continue;
    if (!has_harm)
      for (std::uint32_t peer = 0; peer < c.scenario.peers.size(); ++peer)
        has_harm = has_harm || harm_of(c, peer).any();
    if (!has_harm) return verdicts;
    const Step* next = next_store(c.run, step);
    if (next == nullptr || !is_lost(c, step, *next)) continue;
    verdicts.push_back(verdict_of(c.run, step, *next));
    return verdicts;
  }
  return verdicts;
}

}  // namespace pipewrench
