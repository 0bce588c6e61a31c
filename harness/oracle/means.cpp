// SPDX-License-Identifier: MIT
#include "harness/oracle/means.h"

#include <algorithm>
#include <set>

#include "harness/oracle/runs.h"

namespace pipewrench {
namespace {

bool is_kill(Deviate how) { return how == Deviate::kill || how == Deviate::kill_after; }

// The step of the call that the deviation names, else where its task died of it.
Victim victim_of(const Trace& run, const Deviation& deviation) {
  Victim victim{.how = deviation.kind, .number = deviation.number};
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i) {
    const Task& task = run.tasks[i];
    if (task.name != deviation.task) continue;
    if (!is_kill(deviation.kind) || task.killed_by_plan || victim.task == kNobody) victim.task = i;
    if (is_kill(deviation.kind) && task.killed_by_plan) victim.step = task.died;
  }
  if (is_kill(deviation.kind)) return victim;
  for (std::uint32_t i = 0; i < run.steps.size(); ++i) {
    const Step& step = run.steps[i];
    if (step.n != deviation.n || step.task >= run.tasks.size() ||
        run.tasks[step.task].name != deviation.task)
      continue;
    victim.task = step.task;
    victim.step = i;
    if (step.event == Event::call) break;
  }
  return victim;
}

bool is_transparent(const Trace& run, const Deviation& deviation) {
  switch (deviation.kind) {
    case Deviate::preempt:
    case Deviate::shorten:
    case Deviate::wake:
    case Deviate::restart:  // what matters is the death before it
      return true;
    case Deviate::fail: {
      const std::uint32_t at = victim_of(run, deviation).step;
      return at < run.steps.size() && (run.steps[at].flags & kTransparent) != 0;
    }
    case Deviate::timeout_first: {
      // A sleep is over while others could have run: that is the schedule's doing, nobody is told.
      const std::uint32_t at = victim_of(run, deviation).step;
      return at < run.steps.size() && run.steps[at].call == Call::nanosleep;
    }
    default:
      return false;
  }
}

// Calls by which a task takes part in what an object is for; making or looking at it is not enough.
bool is_contact(const Step& step) {
  switch (step.call) {
    case Call::read:
    case Call::write:
    case Call::open:
    case Call::msgsnd:
    case Call::msgrcv:
    case Call::mq_send:
    case Call::mq_receive:
    case Call::shmat:
    case Call::semop:
    case Call::accept:
    case Call::connect:
    case Call::send:
    case Call::recv:
    case Call::futex:
    case Call::splice:
    case Call::sendfile:
    case Call::tee:
      return step.event == Event::waits || step.result >= 0;
    default:
      return step.event == Event::stored;
  }
}

}  // namespace

bool Means::did(Deviate how) const {
  return std::ranges::find(victims, how, &Victim::how) != victims.end();
}
bool Means::is_victim(std::uint32_t task) const {
  return std::ranges::find(victims, task, &Victim::task) != victims.end();
}
bool Means::is_victim_peer(const Trace& run, std::uint32_t peer) const {
  return std::ranges::any_of(victims, [&](const Victim& victim) {
    return victim.task < run.tasks.size() && run.tasks[victim.task].peer == peer;
  });
}

Means means_of(const Trace& run) {
  Means means;
  for (const Deviation& deviation : run.plan)
    if (!is_transparent(run, deviation)) means.victims.push_back(victim_of(run, deviation));
  return means;
}

bool is_ended_by_plan(const Trace& run, std::uint32_t task) {
  if (task >= run.tasks.size()) return false;
  const Task& dead = run.tasks[task];
  return dead.killed_by_plan || std::ranges::any_of(run.plan, [&](const Deviation& deviation) {
           return deviation.kind == Deviate::signal && deviation.task == dead.name &&
                  died_of(dead, deviation.number);
         });
}

bool met(const Trace& run, std::uint32_t survivor, const Victim& victim) {
  if (victim.task >= run.tasks.size() || survivor >= run.tasks.size()) return false;
  if (run.tasks[survivor].peer == run.tasks[victim.task].peer) return true;
  std::set<std::uint32_t> used;
  for (const Step& step : run.steps) {
    if (step.task == victim.task && step.other == survivor && step.call == Call::kill) return true;
    if (step.task == survivor && step.other == victim.task && step.call == Call::kill) return true;
    // A wait of the victim's is no contact yet: nobody has noticed it.
    if (step.task == victim.task && step.event != Event::waits && is_contact(step))
      used.insert(step.object);
  }
  used.erase(kNoObject);
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.task == survivor && is_contact(step) && used.contains(step.object);
  });
}

}  // namespace pipewrench
