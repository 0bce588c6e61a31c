// Oracle: a task that ended or went on in the calm run waits for ever, and nobody in particular
// keeps it. After a kill the survivors are judged who had to do with the dead: a server that nobody
// has called yet is at rest.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/stuck.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

// A program of its own that waits for its next client, whoever has started it; of several
// descriptors only the first is told.
bool is_server_at_rest(const Trace& run, const Stuck& one) {
  const bool is_several = one.wait->detail.find(", ...") != std::string::npos;
  return one.wait->object != kNoObject && has_execed(run, one.task) &&
         std::ranges::any_of(run.steps, [&](const Step& step) {
           return step.event == Event::call && step.call == Call::listen && step.result >= 0 &&
                  (step.object == one.wait->object || (is_several && step.task == one.task));
         });
}

// An open of a FIFO waits for a first contact, whoever else has died.
bool expects_victim(const Trace& run, const Stuck& one, const Victim& victim) {
  if (is_server_at_rest(run, one)) return false;
  if (one.wait->call != Call::open) return met(run, one.task, victim);
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.task == victim.task && step.object == one.wait->object && step.result >= 0 &&
           step.event == Event::call &&
           (step.call == Call::open || is_input(step.call) || is_output(step.call));
  });
}

bool is_second_life(const Trace& run, std::uint32_t task) {
  return run.tasks[task].name.contains('~');
}

Severity severity_of(const Case& c, const Means& means, const Stuck& one) {
  if (means.transparent()) return Severity::finding;
  if (means.did(Deviate::fill)) return Severity::note;
  const std::uint32_t calm = calm_twin(c, one.task);
  // Another place to rest is no harm by itself, and who is told to end may first wait for his
  // clients.
  if (!is_dead(c.calm, calm)) return Severity::note;
  // The second life of a peer fails on a lock that the first one held. Of other waits nobody knows
  // whether its partners should have waited for it.
  if (is_second_life(c.run, one.task) && one.wait->call != Call::semop) return Severity::note;
  const bool is_expecting = std::ranges::any_of(means.victims, [&](const Victim& victim) {
    // Who still waits at the end was not killed before it: the plan's kill came in the tear-down.
    const bool is_kill = victim.how == Deviate::kill || victim.how == Deviate::kill_after;
    if (victim.task == one.task) return !is_kill;
    return expects_victim(c.run, one, victim);
  });
  return is_expecting ? Severity::finding : Severity::note;
}

// The plan has ended it, by SIGKILL or by a signal that it does not handle.
bool is_ended_by(const Trace& run, const Victim& victim) {
  if (victim.task >= run.tasks.size()) return false;
  const Task& task = run.tasks[victim.task];
  return task.killed_by_plan || (victim.how == Deviate::signal && died_of(task, victim.number));
}

// Whom it waits for in vain: a dead task that held the other end, or had a part in the calm run;
// else whom the plan has ended.
std::string reason_of(const Case& c, const Means& means, const Stuck& one) {
  std::vector<std::string> gone;
  for (const std::uint32_t task : one.awaited)
    if (task < c.run.tasks.size() && !c.run.tasks[task].alive) gone.push_back(name_of(c.run, task));
  if (gone.empty())
    for (const Victim& victim : means.victims)
      if (victim.task != one.task && is_ended_by(c.run, victim))
        gone.push_back(name_of(c.run, victim.task));
  if (gone.empty()) return "in the calm run it goes on";
  return listed(gone) + (gone.size() == 1 ? " has ended" : " have ended");
}

// Its parent was killed and it lives on: nobody will ever collect it.
bool is_orphan(const Trace& run, const Means& means, std::uint32_t task) {
  const std::uint32_t parent = run.tasks[task].parent;
  return !run.tasks[task].thread && std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return victim.task == parent && is_ended_by(run, victim);
  });
}

Verdict orphan_of(const Case& c, const Means& means, const Stuck& one) {
  return {
      .severity = severity_of(c, means, one),
      .kind = "leak",
      .signature = "leak: orphan " + role_of(c.run, one.task) + ' ' + said_role(c.run, *one.wait),
      .peers = {c.run.tasks[one.task].name},
      .step = static_cast<std::uint32_t>(one.wait - c.run.steps.data()),
      .explanation = numbered(c.run, *one.wait) + " waits in " + said(c.run, *one.wait) +
                     " for ever: its parent " + name_of(c.run, c.run.tasks[one.task].parent) +
                     " has been killed, and it is left behind."};
}

Verdict hang_of(const Case& c, const Means& means, const Stuck& one) {
  if (is_orphan(c.run, means, one.task)) return orphan_of(c, means, one);
  return {.severity = severity_of(c, means, one),
          .kind = "hang",
          .signature = "hang: " + role_of(c.run, one.task) + ' ' + said_role(c.run, *one.wait),
          .peers = {c.run.tasks[one.task].name},
          .step = static_cast<std::uint32_t>(one.wait - c.run.steps.data()),
          .explanation = numbered(c.run, *one.wait) + " waits in " + said(c.run, *one.wait) +
                         " for ever: " + reason_of(c, means, one) + '.'};
}

// Goes on and on where the calm run ended long ago, without waiting: a retry that never succeeds.
std::vector<Verdict> endless(const Case& c, const Means& means) {
  constexpr std::size_t kTimesLonger = 10;
  std::vector<Verdict> verdicts;
  if (at_limit(c.calm) || c.run.steps.size() < kTimesLonger * c.calm.steps.size()) return verdicts;
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task) {
    const std::uint32_t calm = calm_twin(c, task);
    const std::uint32_t last = last_call(c.run, task);
    if (!c.run.tasks[task].alive || !is_dead(c.calm, calm) || last == UINT32_MAX) continue;
    // Sleeping between two looks is going on too.
    const Step* wait = wait_of(c.run, task);
    if (wait != nullptr && wait->call != Call::nanosleep) continue;
    const Step& step = c.run.steps[last];
    // To try again until the other one is back is what a client does whose server has died.
    verdicts.push_back({.severity = means.transparent() ? Severity::finding : Severity::note,
                        .kind = "hang",
                        .signature = "hang: " + role_of(c.run, task) + " goes on for ever",
                        .peers = {c.run.tasks[task].name},
                        .step = last,
                        .explanation = name_of(c.run, task) +
                                       " does not come to its end: it still calls " +
                                       said(c.run, step) + " (" + outcome(step) +
                                       ") where the calm run ended long ago."});
  }
  return verdicts;
}

}  // namespace

std::vector<Verdict> judge_hang(const Case& c) {
  if (c.is_calm() || (c.run.waiting.empty() && !at_limit(c.run))) return {};
  const Means means = means_of(c.run);
  std::vector<Verdict> verdicts = endless(c, means);
  std::vector<Stuck> told;
  for (const Stuck& one : roots_of(c.run, stuck_tasks(c))) {
    // Who waits for the same as another one who is told of already tells nothing new.
    const bool is_again = std::ranges::any_of(told, [&](const Stuck& other) {
      return one.wait->object != kNoObject && other.wait->object == one.wait->object &&
             other.wait->call == one.wait->call &&
             c.run.tasks[other.task].peer == c.run.tasks[one.task].peer;
    });
    if (is_again) continue;
    told.push_back(one);
    verdicts.push_back(hang_of(c, means, one));
  }
  return verdicts;
}

}  // namespace pipewrench
