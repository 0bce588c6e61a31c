// Oracle: a signal that came just before the call that waits for it (check, then pause), or that
// was merged with one still pending: the classic races of signal(7).
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/stuck.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

bool waits_for_signals(const Step& wait) {
  return wait.call == Call::pause || wait.call == Call::sigsuspend ||
         wait.call == Call::sigtimedwait;
}

// The handler that ran before the wait and, between, no call that could have looked at what it
// left. Calls that wait for nothing but signals cannot have been ended by it whenever it ran.
const Step* delivery_before(const Trace& run, const Stuck& one) {
  for (const Step* step = one.wait; step-- != run.steps.data();) {
    if (step->task != one.task) continue;
    if (step->event == Event::delivered) return (step->flags & kDuring) == 0 ? step : nullptr;
    if (step->event == Event::call && !waits_for_signals(*one.wait)) return nullptr;
  }
  return nullptr;
}

std::size_t deliveries(const Trace& trace, std::uint32_t task, std::int64_t signal) {
  return static_cast<std::size_t>(std::ranges::count_if(trace.steps, [&](const Step& step) {
    return step.task == task && step.event == Event::delivered && step.number == signal;
  }));
}

const Step* coalesced_for(const Trace& run, std::uint32_t task) {
  const auto found = std::ranges::find_if(run.steps, [&](const Step& step) {
    return step.other == task && (step.flags & kCoalesced) != 0;
  });
  return found == run.steps.end() ? nullptr : &*found;
}

// A wake-up that found no sleeper: futex(2) returned 0 before the task went to sleep on it.
const Step* wake_before(const Trace& run, const Stuck& one) {
  if (one.wait->call != Call::futex) return nullptr;
  for (const Step* step = one.wait; step-- != run.steps.data();)
    if (step->object == one.wait->object && step->event == Event::call && step->result == 0 &&
        step->task != one.task && step->detail == "wake")
      return step;
  return nullptr;
}

// In the calm run as many came, and it went on: so this one was not missing, it was too early.
bool came_in_vain(const Case& c, const Stuck& one, const Step& delivery) {
  const std::uint32_t calm = calm_twin(c, one.task);
  return calm != kNobody &&
         deliveries(c.run, one.task, delivery.number) >= deliveries(c.calm, calm, delivery.number);
}

std::string signal_words(const Step& step) { return signal_name(static_cast<int>(step.number)); }

bool explain(const Case& c, const Stuck& one, Verdict& verdict) {
  const Trace& run = c.run;
  if (const Step* early = delivery_before(run, one);
      early != nullptr && came_in_vain(c, one, *early)) {
    verdict.signature += ' ' + signal_words(*early);
    verdict.explanation = signal_words(*early) + " reaches " + name_of(run, one.task) +
                          " just before " + numbered(run, *one.wait) + ' ' + said(run, *one.wait) +
                          ", which then waits for ever for what has already come.";
    return true;
  }
  if (const Step* merged = coalesced_for(run, one.task);
      merged != nullptr && waits_for_signals(*one.wait)) {
    verdict.signature += ' ' + signal_words(*merged);
    verdict.explanation = numbered(run, *merged) + " sends " + signal_words(*merged) + " to " +
                          name_of(run, one.task) +
                          " while one is still pending: the two become one, and " +
                          numbered(run, *one.wait) + " waits in " + said(run, *one.wait) +
                          " for ever for the second.";
    return true;
  }
  if (const Step* wake = wake_before(run, one); wake != nullptr) {
    verdict.explanation = numbered(run, *wake) + " wakes nobody in " + said(run, *wake) + "; " +
                          numbered(run, *one.wait) + " begins to wait only then, for ever.";
    return true;
  }
  return false;
}

// Merged signals that made nobody wait, but something is missing: a counter, a line.
std::vector<Verdict> missing(const Case& c) {
  std::vector<Verdict> verdicts;
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task) {
    const Step* merged = coalesced_for(c.run, task);
    const std::uint32_t calm = calm_twin(c, task);
    if (merged == nullptr || calm == kNobody || coalesced_for(c.calm, calm) != nullptr) continue;
    if (!harm_of(c, c.run.tasks[task].peer).any()) continue;
    verdicts.push_back(
        {.kind = "lost_signal",
         .signature = "lost_signal: " + role_of(c.run, task) + " merged " + signal_words(*merged),
         .peers = {c.run.tasks[task].name},
         .step = static_cast<std::uint32_t>(merged - c.run.steps.data()),
         .explanation = numbered(c.run, *merged) + " sends " + signal_words(*merged) + " to " +
                        name_of(c.run, task) +
                        " while one is still pending: the two become one, and what " +
                        name_of(c.run, task) + " does differs from the calm run."});
  }
  return verdicts;
}

}  // namespace

std::vector<Verdict> judge_lost_signal(const Case& c) {
  if (c.is_calm()) return {};
  const Means means = means_of(c.run);
  if (means.did(Deviate::kill) || means.did(Deviate::kill_after) || means.did(Deviate::fill))
    return {};
  std::vector<Verdict> verdicts;
  const std::vector<Stuck> stuck = stuck_tasks(c);
  const std::vector<Stuck> roots = roots_of(c.run, stuck);
  for (const Stuck& one : stuck) {
    const bool is_root = std::ranges::find(roots, one.task, &Stuck::task) != roots.end();
    if (!is_root && !waits_for_signals(*one.wait)) continue;
    Verdict verdict{
        .kind = "lost_signal",
        .signature = "lost_signal: " + role_of(c.run, one.task) + ' ' + said_role(c.run, *one.wait),
        .peers = {c.run.tasks[one.task].name},
        .step = static_cast<std::uint32_t>(one.wait - c.run.steps.data())};
    if (explain(c, one, verdict)) verdicts.push_back(std::move(verdict));
  }
  if (verdicts.empty() && means.transparent() && c.run.waiting.empty()) verdicts = missing(c);
  return verdicts;
}

}  // namespace pipewrench
