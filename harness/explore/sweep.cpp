// SPDX-License-Identifier: MIT
#include "harness/explore/sweep.h"

#include <algorithm>
#include <utility>

#include "harness/explore/behaviour.h"
#include "harness/scenario/trace_bytes.h"

namespace pipewrench {
namespace {

constexpr std::uint32_t kRanks = 8;        // those of later rounds of a loop are alike
constexpr std::uint64_t kTripleTurns = 4;  // each so many-th idea is a triple
constexpr std::uint64_t kHarshTurns = 4;   // each so many-th idea is not transparent

std::size_t units_in(const Plan& plan) {
  return static_cast<std::size_t>(std::ranges::count_if(
      plan, [](const Deviation& deviation) { return deviation.kind != Deviate::restart; }));
}

// Tasks and objects that what has been done differently so far may have changed.
struct Touched {
  std::set<std::string> tasks;
  std::set<std::uint32_t> objects;
};

Touched touched_by(const Plan& plan, const Trace& run) {
  Touched touched;
  for (const Deviation& deviation : plan) {
    touched.tasks.insert(deviation.task);
    if (!deviation.other.empty()) touched.tasks.insert(deviation.other);
    for (const Step& step : run.steps)
      if (step.task < run.tasks.size() && step.n == deviation.n && step.object != kNoObject &&
          run.tasks[step.task].name == deviation.task)
        touched.objects.insert(step.object);
  }
  return touched;
}

// Objects that only one task ever touches: the order of its calls on them means nothing to others.
std::set<std::uint32_t> private_objects(const Trace& run) {
  std::map<std::uint32_t, std::set<std::uint32_t>> users;
  for (const Step& step : run.steps)
    if (step.object != kNoObject && step.n != 0) users[step.object].insert(step.task);
  std::set<std::uint32_t> alone;
  for (const auto& [object, tasks] : users)
    if (tasks.size() == 1) alone.insert(object);
  return alone;
}

bool is_on_same_call(const Plan& plan, const Unit& unit) {
  const Deviation& added = unit.plan.front();
  return std::ranges::any_of(plan, [&](const Deviation& deviation) {
    return deviation.task == added.task && deviation.n == added.n &&
           (deviation.kind == added.kind || deviation.kind == Deviate::kill);
  });
}

}  // namespace

Sweep::Sweep(const Ground& ground) : ground_(ground) {
  std::ranges::move(units_of(ground.calm, 0, ground.scenario, ground.realism),
                    std::back_inserter(singles_));
  behaviours_.insert(behaviour_of(ground.calm));
}

Request Sweep::ask(Plan plan, Realism realism) const {
  const bool may_grow = units_in(plan) < kMaxUnits;
  return {.chooser = Chooser::plan,
          .plan = std::move(plan),
          .realism = realism,
          .want_trace = may_grow};
}

std::optional<Request> Sweep::next() {
  if (!singles_.empty()) {
    Unit unit = std::move(singles_.front());
    singles_.pop_front();
    return ask(std::move(unit.plan), unit.realism);
  }
  auto idea = pop();
  if (!idea) return {};
  Plan plan = *idea->base;
  std::ranges::move(idea->unit.plan, std::back_inserter(plan));
  return ask(std::move(plan), std::max(idea->realism, idea->unit.realism));
}

std::optional<Sweep::Idea> Sweep::pop() {
  ++turns_;
  const bool triples_first = turns_ % kTripleTurns == 0;
  const bool harsh_first = turns_ / kTripleTurns % kHarshTurns == 0;
  for (const std::size_t units : triples_first ? std::array{3, 2} : std::array{2, 3}) {
    Frontier& frontier = frontiers_[units];
    if (frontier.empty()) continue;
    auto best = frontier.begin();
    if (harsh_first) {
      const auto harsh = frontier.lower_bound(kRanks);
      if (harsh != frontier.end()) best = harsh;
    }
    Idea idea = std::move(best->second.front());
    best->second.pop_front();
    if (best->second.empty()) frontier.erase(best);
    --frontier_size_;
    return idea;
  }
  return {};
}

void Sweep::learn(const Request& request, const Answer& answer) {
  // What came to pass counts, not what was asked for.
  if (answer.trace.empty() || !behaviours_.insert(answer.behaviour).second) return;
  if (units_in(answer.made) < units_in(request.plan)) return;
  if (const auto run = unpack(answer.trace)) expand(answer, *run);
}

void Sweep::expand(const Answer& answer, const Trace& run) {
  const Plan& plan = answer.made;
  const std::size_t units = units_in(plan) + 1;
  if (units > kMaxUnits) return;
  const auto base = std::make_shared<const Plan>(plan);
  const Touched touched = touched_by(plan, run);
  const std::set<std::uint32_t> alone = private_objects(run);
  const bool is_transparent_so_far = std::ranges::all_of(plan, is_transparent);
  const std::size_t first = first_divergence(ground_.calm, run);
  for (Unit& unit : units_of(run, first, ground_.scenario, ground_.realism)) {
    if (frontier_size_ >= kMaxFrontier) return;
    if (is_on_same_call(plan, unit)) continue;
    const Deviation& added = unit.plan.front();
    const Step* step = step_of(run, added);
    const std::uint32_t object = step == nullptr ? kNoObject : step->object;
    const bool conflicts = touched.tasks.contains(added.task) ||
                           touched.tasks.contains(added.other) || touched.objects.contains(object);
    if (!conflicts || (added.kind == Deviate::preempt && alone.contains(object))) continue;
    const bool is_mild = is_transparent_so_far && unit.transparent;
    const Realism realism = std::max(answer.realism, unit.realism);
    const std::uint32_t promise = std::min(unit.rank, kRanks - 1) + (is_mild ? 0 : kRanks) +
                                  (realism == Realism::linux_ ? 0 : 2 * kRanks);
    frontiers_[units][promise].push_back({base, std::move(unit), answer.realism});
    ++frontier_size_;
  }
}

}  // namespace pipewrench
