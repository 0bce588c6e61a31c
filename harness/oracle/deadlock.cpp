// Oracle: a ring of tasks each of which waits for the next. In the calm run only where nothing but
// a signal could end it: pipes and sockets without a name, a child, a lock.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/stuck.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

using Ring = std::vector<Stuck>;

const Object* object_of(const Trace& run, const Step& step) {
  return step.object < run.objects.size() ? &run.objects[step.object] : nullptr;
}

bool had_traffic(const Trace& run, const Stuck& one) {
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.object == one.wait->object && is_output(step.call) && step.result > 0 &&
           step.task != one.task;
  });
}

// A server at rest may wait for itself (a FIFO opened both ways, a pipe that only its handler
// writes to) and its parent for it. What has carried another task's data and can never carry more
// is no server's doing; nor is a full one, which nobody can rest in.
bool is_beyond_doubt(const Trace& run, const Ring& ring) {
  bool has_traffic = false;
  for (const Stuck& one : ring) {
    if (one.wait->call == Call::wait) continue;
    const Object* object = object_of(run, *one.wait);
    if (object == nullptr) return false;
    if (object->kind == ObjectKind::semaphore) {
      if (!is_used_as_lock(run, one.wait->object)) return false;
      has_traffic = true;
    } else if (object->kind == ObjectKind::file) {
      has_traffic = true;  // a lock that somebody holds
    } else if (object->kind == ObjectKind::pipe || object->kind == ObjectKind::socket) {
      has_traffic = has_traffic || is_output(one.wait->call) || had_traffic(run, one);
    } else if (object->kind == ObjectKind::fifo && is_output(one.wait->call)) {
      has_traffic = true;  // who is stuck himself reads it already
    } else {
      return false;
    }
  }
  return has_traffic;
}

Severity severity_of(const Case& c, const Ring& ring) {
  const Means means = means_of(c.run);
  if (c.is_calm() || means.transparent()) return Severity::finding;
  // Full from outside: that nobody takes what nobody sent is the harness's doing.
  if (means.did(Deviate::fill)) return Severity::note;
  if (std::ranges::all_of(ring, &Stuck::is_known)) return Severity::finding;
  const auto is_second_life = [&](const Stuck& one) {
    return c.run.tasks[one.task].name.contains('~');
  };
  if (std::ranges::any_of(ring, is_second_life)) return Severity::note;
  const bool have_met = std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return std::ranges::any_of(ring,
                               [&](const Stuck& one) { return met(c.run, one.task, victim); });
  });
  return have_met ? Severity::finding : Severity::note;
}

// Something that one has and gives back, other than an end of a pipe.
bool is_taken(const Trace& run, const Stuck& one) {
  const Object* object = object_of(run, *one.wait);
  return object != nullptr &&
         (object->kind == ObjectKind::semaphore || object->kind == ObjectKind::futex ||
          object->kind == ObjectKind::file);
}

Verdict verdict_of(const Case& c, const Ring& ring) {
  Verdict verdict{.severity = severity_of(c, ring), .kind = "deadlock"};
  std::vector<std::string> places;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Stuck& one = ring[i];
    const std::uint32_t next = ring[(i + 1) % ring.size()].task;
    verdict.peers.push_back(c.run.tasks[one.task].name);
    verdict.step =
        std::max(verdict.step, static_cast<std::uint32_t>(one.wait - c.run.steps.data()));
    places.push_back(role_of(c.run, one.task) + ' ' + said_role(c.run, *one.wait));
    verdict.explanation += (i == 0 ? "" : ", ") + numbered(c.run, *one.wait) + " waits in " +
                           said(c.run, *one.wait) + " for " +
                           (next == one.task ? "itself" : name_of(c.run, next));
  }
  verdict.explanation += ring.size() > 1 ? ": none of them can ever go on."
                         : is_taken(c.run, ring.front())
                             ? ": it has taken it already, and nobody else will give it back."
                             : " (it holds the other end too): this never ends.";
  // Which of the tasks came first is the schedule's business.
  std::ranges::sort(places);
  verdict.signature = "deadlock: ";
  for (std::size_t i = 0; i < places.size(); ++i)
    verdict.signature += (i == 0 ? "" : " | ") + places[i];
  return verdict;
}

}  // namespace

std::vector<Verdict> judge_deadlock(const Case& c) {
  std::vector<Verdict> verdicts;
  if (c.run.waiting.empty()) return verdicts;
  for (const Ring& ring : rings_of(c.run, stuck_tasks(c)))
    if (!c.is_calm() || is_beyond_doubt(c.run, ring)) verdicts.push_back(verdict_of(c, ring));
  return verdicts;
}

}  // namespace pipewrench
