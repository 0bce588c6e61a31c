// A toy in memory in place of peers, for the tests of the search: tasks "a" and "b" make calls that
// never block, and "a" crashes in those orders that the test says.
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/explore/runner.h"

namespace pipewrench {

struct Toy {
  std::vector<std::vector<Call>> tasks = {std::vector<Call>(8, Call::write),
                                          std::vector<Call>(8, Call::read)};
  std::function<bool(const Trace&)> crashes = [](const Trace&) { return false; };
  std::function<void()> before_run = [] {};  // the test's way to kill a worker
  // Who crashes polls instead, and is cut; from so many calls on he gets what he waits for.
  std::uint32_t polls_until = 0;
};

// The place of the call among all steps.
inline std::size_t place_of(const Trace& trace, std::uint32_t task, std::uint32_t n) {
  for (std::size_t i = 0; i < trace.steps.size(); ++i)
    if (trace.steps[i].task == task && trace.steps[i].n == n) return i;
  return trace.steps.size();
}
inline bool is_before(const Trace& trace, std::uint32_t task, std::uint32_t n, std::uint32_t other,
                      std::uint32_t m) {
  const std::size_t place = place_of(trace, task, n);
  return place < trace.steps.size() && place < place_of(trace, other, m);
}
inline bool is_short(const Trace& trace, std::uint32_t task, std::uint32_t n) {
  const std::size_t place = place_of(trace, task, n);
  return place < trace.steps.size() && (trace.steps[place].flags & kShort) != 0;
}

class ToyRunner final : public Runner {
 public:
  explicit ToyRunner(const Toy& toy) : toy_(toy) {}

  Trace run(const Scenario& scenario, Policy& policy) override {
    toy_.before_run();
    Trace trace;
    for (std::size_t i = 0; i < toy_.tasks.size(); ++i)
      trace.tasks.push_back({.name = std::string(1, static_cast<char>('a' + i)),
                             .peer = static_cast<std::uint32_t>(i)});
    trace.objects.push_back({.name = "pipe#1"});
    std::vector<std::uint32_t> made(toy_.tasks.size(), 0);
    std::uint32_t last = 0;
    while (true) {
      std::vector<Candidate> enabled;
      std::size_t calm = 0;
      for (std::uint32_t task = 0; task < made.size(); ++task) {
        if (made[task] == toy_.tasks[task].size() || trace.tasks[task].killed_by_plan) continue;
        if (task == last) calm = enabled.size();
        enabled.push_back({.task = task,
                           .name = trace.tasks[task].name,
                           .n = made[task] + 1,
                           .call = toy_.tasks[task][made[task]],
                           .object = 0});
      }
      if (enabled.empty()) break;
      const std::size_t chosen = policy.choose(enabled, calm);
      if (chosen != calm)
        trace.plan.push_back({.kind = Deviate::preempt,
                              .task = std::string(enabled[calm].name),
                              .n = enabled[calm].n,
                              .other = std::string(enabled[chosen].name)});
      last = enabled[chosen].task;
      ++made[last];
      step(trace, enabled, chosen, policy);
    }
    const bool polls = toy_.polls_until > 0;
    if (toy_.crashes(trace) && !(polls && scenario.limits.steps >= toy_.polls_until)) {
      trace.tasks[0].status = SIGSEGV;
      if (polls) trace.ending = Ending::step_limit;
    }
    return trace;
  }

 private:
  static constexpr std::uint64_t kAsked = 100;

  void step(Trace& trace, const std::vector<Candidate>& enabled, std::size_t chosen,
            Policy& policy) const {
    const Candidate& who = enabled[chosen];
    Step step{.call = who.call, .task = who.task, .n = who.n, .object = 0, .asked = kAsked};
    step.result = kAsked;
    for (const Candidate& other : enabled)
      if (other.task != who.task) step.others.push_back(static_cast<std::uint16_t>(other.task));
    if (who.call == Call::write) step.legal = 1U << static_cast<unsigned>(Deviate::shorten);
    if (who.call == Call::read) step.legal_errors = {EINTR};
    const auto deviation = policy.deviate({.who = who,
                                           .asked = kAsked,
                                           .legal = step.legal,
                                           .legal_errors = step.legal_errors,
                                           .shortest = 10,
                                           .longest = kAsked - 1});
    if (deviation) apply(trace, step, *deviation);
    trace.steps.push_back(std::move(step));
  }

  static void apply(Trace& trace, Step& step, const Deviation& deviation) {
    trace.plan.push_back(deviation);
    step.flags = kInjected;
    if (deviation.kind == Deviate::shorten) {
      step.flags |= kShort;
      step.result = static_cast<std::int64_t>(deviation.amount);
    }
    if (deviation.kind == Deviate::fail) step.result = -deviation.number;
    if (deviation.kind == Deviate::kill || deviation.kind == Deviate::kill_after)
      trace.tasks[step.task].killed_by_plan = true;
  }

  const Toy& toy_;
};

inline Recipe toy_recipe(const Toy& toy) {
  Recipe recipe;
  recipe.scenario.name = "toy";
  recipe.scenario.peers = {{.name = "a"}, {.name = "b"}};
  recipe.start = [&toy](const ConductorOptions&) { return std::make_unique<ToyRunner>(toy); };
  recipe.judge = [](const Case& c) {
    std::vector<Verdict> verdicts;
    if (c.run.tasks[0].status == SIGSEGV)
      verdicts.push_back(
          {.kind = "crash", .signature = "a crashes", .peers = {"a"}, .explanation = "it does"});
    return verdicts;
  };
  return recipe;
}

}  // namespace pipewrench
