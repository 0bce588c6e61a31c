// SPDX-License-Identifier: MIT
#include "harness/oracle/stuck.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "harness/oracle/means.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

bool same_place(const Trace& one, const Step& a, const Trace& other, const Step& b) {
  return a.call == b.call && object_role(one, a.object) == object_role(other, b.object);
}

// Whether the calm run's task of this name came past such a wait: it ended, or it did that call and
// rests elsewhere.
bool calm_went_on(const Case& c, std::uint32_t task, const Step& wait) {
  const std::uint32_t calm = calm_twin(c, task);
  if (calm == kNobody) return false;
  if (is_dead(c.calm, calm)) return true;
  // Where a limit cut the calm run short, a wait was only a moment's.
  if (const Step* rest = wait_of(c.calm, calm); rest != nullptr && !at_limit(c.calm))
    if (same_place(c.calm, *rest, c.run, wait)) return false;
  // That it goes on once it is told to end says nothing.
  const auto steps = std::span(c.calm.steps).first(steps_before_end(c.calm));
  return std::ranges::any_of(steps, [&](const Step& step) {
    return step.task == calm && step.event == Event::call && step.result >= 0 &&
           same_place(c.calm, step, c.run, wait);
  });
}

// The plan has sent it the signal that ends the scenario; its handler ran, and still it waits.
bool was_told_to_end(const Case& c, const Means& means, std::uint32_t task) {
  const auto is_order = [&](const Victim& victim) {
    return victim.how == Deviate::signal && victim.task == task &&
           victim.number == c.scenario.end.signal && victim.step < steps_before_end(c.run);
  };
  return std::ranges::any_of(means.victims, is_order) &&
         std::ranges::any_of(c.run.steps, [&](const Step& step) {
           return step.task == task && step.event == Event::delivered &&
                  step.number == c.scenario.end.signal;
         });
}

// The call by which another task ends a wait.
bool ends_wait(const Step& wait, const Step& step) {
  switch (wait.call) {
    case Call::open:
      return step.call == Call::open;
    case Call::read:
    case Call::recv:
      return is_output(step.call);
    case Call::write:
    case Call::send:
      return is_input(step.call);
    case Call::msgsnd:
      return step.call == Call::msgrcv;
    case Call::msgrcv:
      return step.call == Call::msgsnd;
    case Call::mq_send:
      return step.call == Call::mq_receive;
    case Call::mq_receive:
      return step.call == Call::mq_send;
    case Call::semop:
      return step.call == Call::semop && step.number > 0;
    case Call::futex:
      return step.call == Call::futex;
    default:
      return false;
  }
}

// Whoever holds the other end still goes on, or looks in from time to time.
bool may_be_served(const Trace& run, const Waiting& waiting) {
  return std::ranges::any_of(waiting.holders, [&](std::uint32_t holder) {
    const Step* wait = wait_of(run, holder);
    return holder != waiting.task && (wait == nullptr || wait->call == Call::nanosleep);
  });
}

// The other ends of one descriptor. An open() waits for who does not hold the FIFO yet, and any of
// several descriptors may end a poll.
bool knows_holders(const Step& wait) {
  const bool is_several = wait.detail.find(", ...") != std::string::npos;
  const bool is_poll =
      wait.call == Call::poll || wait.call == Call::select || wait.call == Call::epoll_wait;
  return wait.call != Call::open && !(is_poll && is_several);
}

// Whoever let it go on in the calm run, in the tasks of this run.
std::vector<std::uint32_t> partners(const Case& c, std::uint32_t task, const Step& wait) {
  const std::uint32_t object = same_object(c.run, wait.object, c.calm);
  const std::uint32_t calm = calm_twin(c, task);
  const bool is_signal_wait =
      wait.call == Call::pause || wait.call == Call::sigsuspend || wait.call == Call::sigtimedwait;
  std::set<std::uint32_t> found;
  for (const Step& step : c.calm.steps) {
    if (step.event != Event::call || step.task >= c.calm.tasks.size() || step.task == calm)
      continue;
    const bool is_partner =
        is_signal_wait ? is_signal_call(step.call) && step.other == calm
                       : object != kNoObject && step.object == object && ends_wait(wait, step);
    if (!is_partner) continue;
    const std::uint32_t partner = task_named(c.run, c.calm.tasks[step.task].name);
    if (partner != kNobody && partner != task) found.insert(partner);
  }
  return {found.begin(), found.end()};
}

std::vector<std::uint32_t> living(const Trace& run, const std::vector<std::uint32_t>& tasks) {
  std::vector<std::uint32_t> alive;
  for (const std::uint32_t task : tasks)
    if (task < run.tasks.size() && run.tasks[task].alive) alive.push_back(task);
  return alive;
}

const Stuck* find(const std::vector<Stuck>& stuck, std::uint32_t task) {
  const auto found = std::ranges::find(stuck, task, &Stuck::task);
  return found == stuck.end() ? nullptr : &*found;
}

// Who waits for the same in the same call has nothing that the other one could wait for, whatever
// he gave in the calm run.
void forget_companions(std::vector<Stuck>& stuck) {
  for (Stuck& one : stuck)
    std::erase_if(one.awaited, [&](std::uint32_t task) {
      const Stuck* other = find(stuck, task);
      return !one.is_known && other != nullptr && other->wait->object == one.wait->object &&
             other->wait->call == one.wait->call && one.wait->object != kNoObject;
    });
}

// The largest part of it in which everybody waits only for others of it: nothing there can ever go
// on.
std::vector<Stuck> knot_of(const Trace& run, std::vector<Stuck> stuck) {
  for (bool changed = true; changed;) {
    const auto is_free = [&](const Stuck& one) {
      const std::vector<std::uint32_t> awaited = living(run, one.awaited);
      return awaited.empty() || !std::ranges::all_of(awaited, [&](std::uint32_t task) {
               return find(stuck, task) != nullptr;
             });
    };
    const auto freed = std::ranges::find_if(stuck, is_free);
    changed = freed != stuck.end();
    if (changed) stuck.erase(freed);
  }
  return stuck;
}

}  // namespace

bool is_used_as_lock(const Trace& run, std::uint32_t object) {
  std::map<std::uint32_t, std::int64_t> taken;
  for (const Step& step : run.steps) {
    if (step.object != object || step.call != Call::semop || step.event != Event::call ||
        step.result < 0)
      continue;
    std::int64_t& balance = taken[step.task];
    balance -= step.number;
    if (balance < 0) return false;
  }
  return true;
}

std::vector<Stuck> stuck_tasks(const Case& c) {
  std::vector<Stuck> stuck;
  const Means means = means_of(c.run);
  for (const Waiting& waiting : c.run.waiting) {
    const Step* wait = wait_of(c.run, waiting);
    // Who sleeps between two looks does not wait: it goes on, for ever.
    if (wait == nullptr || wait->call == Call::nanosleep) continue;
    // A run that was cut short: who has begun to wait only now may still have been served.
    const bool is_late = waiting.step > steps_before_end(c.run) / 2;
    if (at_limit(c.run) && (is_late || may_be_served(c.run, waiting))) continue;
    if (!c.is_calm() && !calm_went_on(c, waiting.task, *wait) &&
        !was_told_to_end(c, means, waiting.task))
      continue;
    const bool is_named =
        wait->object < c.run.objects.size() && c.run.objects[wait->object].kind == ObjectKind::fifo;
    Stuck one{.task = waiting.task, .wait = wait, .is_known = knows_holders(*wait)};
    if (one.is_known) one.awaited = waiting.holders;
    // Who took a semaphore last need not be who gives it.
    if (wait->call == Call::semop && !is_used_as_lock(c.run, wait->object)) one.awaited.clear();
    // A server opens its FIFO both ways so that it never ends; anyone may still come.
    if (is_named) std::erase(one.awaited, waiting.task);
    if (one.awaited.empty() && !c.is_calm()) {
      one.awaited = partners(c, waiting.task, *wait);
      one.is_known = false;
    }
    stuck.push_back(std::move(one));
  }
  forget_companions(stuck);
  return stuck;
}

std::vector<std::vector<Stuck>> rings_of(const Trace& run, const std::vector<Stuck>& stuck) {
  const std::vector<Stuck> knot = knot_of(run, stuck);
  std::vector<std::vector<Stuck>> rings;
  std::set<std::uint32_t> seen;
  for (const Stuck& start : knot) {
    // Everybody here waits for somebody here, so a walk must come back to where it has been.
    std::vector<Stuck> walk;
    const Stuck* at = &start;
    while (seen.insert(at->task).second) {
      walk.push_back(*at);
      at = find(knot, living(run, at->awaited).front());
    }
    const auto back = std::ranges::find(walk, at->task, &Stuck::task);
    if (back == walk.end()) continue;
    std::vector<Stuck> ring(back, walk.end());
    std::ranges::rotate(ring, std::ranges::min_element(ring, {}, &Stuck::task));
    rings.push_back(std::move(ring));
  }
  return rings;
}

std::vector<Stuck> roots_of(const Trace& run, const std::vector<Stuck>& stuck) {
  const std::vector<Stuck> knot = knot_of(run, stuck);
  std::vector<Stuck> roots;
  for (const Stuck& one : stuck) {
    if (find(knot, one.task) != nullptr) continue;
    const std::vector<std::uint32_t> awaited = living(run, one.awaited);
    const bool is_consequence = std::ranges::any_of(awaited, [&](std::uint32_t task) {
      return task != one.task && find(stuck, task) != nullptr;
    });
    if (!is_consequence) roots.push_back(one);
  }
  // Where each waits for another one, but not for him only, the first stands for all.
  if (roots.empty() && knot.empty() && !stuck.empty()) roots.push_back(stuck.front());
  return roots;
}

}  // namespace pipewrench
