// Oracle: a peer that was killed and started again fails because its dead self has left something
// behind.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

bool is_in_the_way(const Step& step) {
  return step.event == Event::call && (step.flags & kInjected) == 0 &&
         (step.result == -EEXIST || step.result == -EADDRINUSE);
}

// The step at which the peer was started again; UINT32_MAX if it was not.
std::uint32_t restarted_at(const Trace& run, std::uint32_t peer) {
  for (std::uint32_t i = 0; i < run.steps.size(); ++i) {
    const Step& step = run.steps[i];
    if (step.event == Event::restarted && step.task < run.tasks.size() &&
        run.tasks[step.task].peer == peer)
      return i;
  }
  return UINT32_MAX;
}

// What a program does once it has given up: messages, cleaning up.
bool is_giving_up(const Step& step) {
  return step.event != Event::call || step.call == Call::exit || step.call == Call::unlink ||
         step.call == Call::stat || step.call == Call::write || step.call == Call::msgctl ||
         step.call == Call::shmctl || step.call == Call::semctl || step.call == Call::shmdt;
}

// What the other side has made meanwhile is none of its dead self's.
bool is_of_its_first_life(const Trace& run, const Step& step, std::uint32_t peer,
                          std::uint32_t from) {
  if (step.object >= run.objects.size()) return true;
  const Object& object = run.objects[step.object];
  const bool is_its = object.maker >= run.tasks.size() || run.tasks[object.maker].peer == peer;
  return is_its && object.made < from;
}

// The plan did something else to it than to kill it: a signal that ends it, a call that fails.
bool is_disturbed(const Trace& run, const Means& means, std::uint32_t peer) {
  return std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return victim.how != Deviate::kill && victim.how != Deviate::kill_after &&
           victim.task < run.tasks.size() && run.tasks[victim.task].peer == peer;
  });
}

// It takes that in its stride, in the calm run or elsewhere in this one, and does not try again.
bool is_used_to(const Case& c, std::uint32_t peer, const Step& met) {
  const auto goes_on = [&](const Trace& trace, const Step& step) {
    if (&step == &met || step.event != Event::call || step.call != met.call ||
        step.result != met.result || step.task >= trace.tasks.size() ||
        trace.tasks[step.task].peer != peer)
      return false;
    const auto after = trace.steps.begin() + (&step - trace.steps.data()) + 1;
    return std::none_of(after, trace.steps.end(), [&](const Step& again) {
      return again.task == step.task && again.call == step.call && again.object == step.object &&
             again.detail == step.detail;
    });
  };
  const auto is_used_in = [&](const Trace& trace) {
    return std::ranges::any_of(trace.steps, [&](const Step& step) { return goes_on(trace, step); });
  };
  return is_used_in(c.calm) || is_used_in(c.run);
}

// The last thing that it did before it gave up, if that was in its way and there before.
const Step* obstacle(const Trace& run, std::uint32_t peer, std::uint32_t from) {
  for (std::size_t i = run.steps.size(); i-- > from;) {
    const Step& step = run.steps[i];
    if (step.task >= run.tasks.size() || run.tasks[step.task].peer != peer) continue;
    if (is_in_the_way(step)) return is_of_its_first_life(run, step, peer, from) ? &step : nullptr;
    if (!is_giving_up(step)) return nullptr;
  }
  return nullptr;
}

}  // namespace

std::vector<Verdict> judge_restart(const Case& c) {
  std::vector<Verdict> verdicts;
  const Trace& run = c.run;
  const Means means = means_of(run);
  for (std::uint32_t peer = 0; peer < c.scenario.peers.size(); ++peer) {
    const std::uint32_t from = restarted_at(run, peer);
    const std::uint32_t task = main_task(run, peer);
    const std::uint32_t calm = main_task(c.calm, peer);
    if (from == UINT32_MAX || !is_dead(run, task) || run.tasks[task].killed_by_plan ||
        run.tasks[task].status == 0 || is_disturbed(run, means, peer))
      continue;
    if (is_dead(c.calm, calm) && c.calm.tasks[calm].status != 0) continue;
    const Step* step = obstacle(run, peer, from);
    if (step == nullptr || is_used_to(c, peer, *step)) continue;
    verdicts.push_back({.kind = "exit_status",
                        .signature = "exit_status: restarted " + role_of(run, task) + ' ' +
                                     said_role(run, *step) + ' ' + outcome(*step),
                        .peers = {run.tasks[task].name},
                        .step = static_cast<std::uint32_t>(step - run.steps.data()),
                        .explanation = numbered(run, *step) +
                                       ", started again after a crash, fails in " +
                                       said(run, *step) + " (" + outcome(*step) +
                                       "): what its dead self made is still there."});
  }
  return verdicts;
}

}  // namespace pipewrench
