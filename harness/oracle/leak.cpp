// Oracle: what is left when everybody has ended: System V objects, FIFOs, processes; of files only
// what the calm run removed. And ends of pipes that somebody at rest holds and can never use
// again, more than in the calm run. Nobody can clean up after his own SIGKILL: what the killed peer
// made is a note.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/core/printable.h"
#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"
#include "harness/scenario/channel.h"

namespace pipewrench {
namespace {

// A program's results are files: only IPC objects are leaks by their kind.
bool is_ipc(const Leftover& left) {
  return left.process || left.kind == ObjectKind::fifo || holds_messages(left.kind) ||
         left.kind == ObjectKind::segment || left.kind == ObjectKind::semaphore ||
         left.kind == ObjectKind::socket || left.name.starts_with("/dev/shm/");
}

std::string thing_of(const Leftover& left) {
  return left.process ? role_of(left.name) : object_role(left.name);
}

bool calm_leaves(const Case& c, const Leftover& left) {
  return std::ranges::any_of(c.calm.leftovers, [&](const Leftover& other) {
    return other.process == left.process && other.kind == left.kind &&
           thing_of(other) == thing_of(left);
  });
}

// A lost end or two may be how a program is made: one more of them for each deviation is not.
bool is_no_more_than_calm(const Case& c, const Leftover& left) {
  const auto count = [&](const Trace& trace) {
    return std::ranges::count_if(trace.leftovers, [&](const Leftover& other) {
      return other.kind == ObjectKind::pipe && !other.process &&
             role_of(trace, other.maker) == role_of(c.run, left.maker);
    });
  };
  return c.is_calm() || count(c.run) <= count(c.calm);
}

bool is_removal(Call call) {
  return call == Call::unlink || call == Call::msgctl || call == Call::shmctl ||
         call == Call::semctl || call == Call::mq_unlink || call == Call::rmdir ||
         call == Call::rename;
}

// The plan itself kept the maker from removing it.
bool was_prevented(const Case& c, const Means& means) {
  return std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return victim.how == Deviate::fail && victim.step < c.run.steps.size() &&
           is_removal(c.run.steps[victim.step].call);
  });
}

bool is_killed(const Trace& run, const Victim& victim) {
  return is_ended_by_plan(run, victim.task);
}

bool was_killed(const Case& c, const Means& means, std::uint32_t peer) {
  return std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return is_killed(c.run, victim) && c.run.tasks[victim.task].peer == peer &&
           c.run.tasks[victim.task].parent == kNobody;
  });
}

// Whether one of that name in the calm run is removed there, by and of tasks that `fits` accepts.
template <class Fits>
bool is_removed_in_calm(const Case& c, const Leftover& left, Fits fits) {
  return std::ranges::any_of(c.calm.objects, [&](const Object& object) {
    if (object.kind != left.kind || object.name != left.name) return false;
    if (object.removed >= c.calm.steps.size()) return false;
    const std::uint32_t remover = c.calm.steps[object.removed].task;
    return remover < c.calm.tasks.size() && fits(object.maker, c.calm.tasks[remover]);
  });
}

// In the calm run the killed peer makes and removes it: a survivor that came first only took over
// the making, as both sides of a FIFO may.
bool belongs_to_killed(const Case& c, const Means& means, const Leftover& left) {
  return is_removed_in_calm(c, left, [&](std::uint32_t maker, const Task& remover) {
    return maker < c.calm.tasks.size() && remover.peer == c.calm.tasks[maker].peer &&
           was_killed(c, means, remover.peer);
  });
}

// A child that is there to remove it in the calm run, `rm` in a script, was killed by the plan.
bool was_its_remover_killed(const Case& c, const Means& means, const Leftover& left) {
  return is_removed_in_calm(c, left, [&](std::uint32_t, const Task& remover) {
    return remover.parent != kNobody &&
           std::ranges::any_of(means.victims, [&](const Victim& victim) {
             return is_killed(c.run, victim) && c.run.tasks[victim.task].name == remover.name;
           });
  });
}

// Who was killed had it in use.
bool was_used_by_victim(const Trace& run, const Means& means, const Leftover& left) {
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.event == Event::call && step.result >= 0 && step.object < run.objects.size() &&
           run.objects[step.object].name == left.name && means.is_victim(step.task);
  });
}

// All others had ended before: who was killed was the last, and would have had to remove it. Or
// they had done their part and had nothing left to do but to end well, and it is who was killed
// that removes it in the calm run.
bool was_nobody_left(const Case& c, const Means& means, const Leftover& left) {
  const Trace& run = c.run;
  std::uint32_t killed = 0;
  for (const Victim& victim : means.victims)
    if (is_killed(run, victim)) killed = std::max(killed, run.tasks[victim.task].died);
  if (killed == 0 || std::ranges::any_of(run.tasks, &Task::alive)) return false;
  const auto is_late = [&](const Task& task) { return task.died > killed; };
  if (std::ranges::none_of(run.tasks, is_late)) return true;
  const auto is_busy = [&](const Step& step) {
    return step.event == Event::waits || (step.event == Event::call && step.call != Call::exit);
  };
  const auto fails = [&](const Task& task) { return is_late(task) && task.status != 0; };
  const auto was_remover = [&](std::uint32_t, const Task& remover) {
    return was_killed(c, means, remover.peer);
  };
  const auto after = run.steps.begin() + std::min<std::size_t>(killed, run.steps.size());
  return std::none_of(after, run.steps.end(), is_busy) && std::ranges::none_of(run.tasks, fails) &&
         was_used_by_victim(run, means, left) && is_removed_in_calm(c, left, was_remover);
}

// It slept between two looks when the run ended, and ends by itself in the calm run: how long it
// would have gone on nobody knows.
bool was_cut_short(const Case& c, std::uint32_t task) {
  const Step* wait = wait_of(c.run, task);
  const std::uint32_t calm = calm_twin(c, task);
  return wait != nullptr && wait->call == Call::nanosleep && calm != kNobody &&
         is_dead(c.calm, calm);
}

Severity severity_of(const Case& c, const Means& means, const Leftover& left) {
  const Trace& run = c.run;
  if (c.is_calm() || means.transparent()) return Severity::finding;
  const std::uint32_t task = left.process ? task_named(run, left.name) : left.maker;
  if (task >= run.tasks.size() || was_prevented(c, means)) return Severity::note;
  if (means.did(Deviate::remove) || means.did(Deviate::fill)) return Severity::note;
  if (run.tasks[task].killed_by_plan || was_killed(c, means, run.tasks[task].peer))
    return Severity::note;
  if (!left.process && belongs_to_killed(c, means, left)) return Severity::note;
  if (!left.process && was_cut_short(c, task)) return Severity::note;
  if (!left.process && was_nobody_left(c, means, left)) return Severity::note;
  if (!left.process && was_its_remover_killed(c, means, left)) return Severity::note;
  return Severity::finding;
}

Verdict verdict_of(const Case& c, const Means& means, const Leftover& left) {
  const Trace& run = c.run;
  Verdict verdict{.severity = severity_of(c, means, left),
                  .kind = "leak",
                  .signature = "leak: " + thing_of(left) + " of " + role_of(run, left.maker)};
  if (left.process) {
    const std::uint32_t task = task_named(run, left.name);
    verdict.signature = "leak: process " + thing_of(left);
    verdict.peers = {left.name};
    if (task != kNobody) verdict.step = run.tasks[task].born;
    const bool is_orphan = left.maker < run.tasks.size();
    verdict.explanation =
        printable(left.name) + " still runs when " +
        (is_orphan ? name_of(run, left.maker) + ", its parent, has been told to end and has ended."
                   : "all has been told to end.");
    return verdict;
  }
  if (left.maker < run.tasks.size()) verdict.peers = {run.tasks[left.maker].name};
  // The last of its name: an earlier one may have been removed.
  const auto object =
      std::ranges::find(run.objects.rbegin(), run.objects.rend(), left.name, &Object::name);
  if (object != run.objects.rend()) verdict.step = object->made;
  if (left.kind == ObjectKind::pipe) {
    verdict.signature = "leak: descriptor of " + role_of(run, left.maker);
    verdict.explanation = name_of(run, left.maker) + " keeps its end of " + printable(left.name) +
                          " open, whose other end nobody has any more: a descriptor is lost.";
    return verdict;
  }
  const bool is_dead_early = is_dead(run, left.maker);
  verdict.explanation = left.name.empty() ? "An object" : "The " + printable(left.name);
  verdict.explanation += " that " + name_of(run, left.maker) + " made is left behind " +
                         (is_dead_early ? "after it has ended." : "after it was told to end.");
  return verdict;
}

}  // namespace

std::vector<Verdict> judge_leak(const Case& c) {
  std::vector<Verdict> verdicts;
  if (c.run.leftovers.empty() || !c.scenario.expect.nothing_left) return verdicts;
  const Means means = means_of(c.run);
  for (const Leftover& left : c.run.leftovers) {
    if (!left.process && left.maker == kNobody) continue;  // the scenario's own
    if (left.kind == ObjectKind::pipe && !left.process) {
      if (!is_no_more_than_calm(c, left)) verdicts.push_back(verdict_of(c, means, left));
      continue;
    }
    if (!c.is_calm() && calm_leaves(c, left)) continue;
    if (!is_ipc(left) && (c.is_calm() || !means.transparent())) continue;
    verdicts.push_back(verdict_of(c, means, left));
  }
  return verdicts;
}

}  // namespace pipewrench
