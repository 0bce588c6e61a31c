// Oracle: a task that repeats the same calls with the same result, nothing moved and no time
// passes. Judged under every deviation, the calm run too. Bounded retries are none: only what the
// run's end cut off, or what ends by others' work.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cerrno>

#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"
#include "harness/scenario/channel.h"

namespace pipewrench {
namespace {

constexpr std::size_t kLongestCycle = 4;  // calls: poll, read, write, kill
constexpr std::size_t kCycles = 100;      // that prove that it goes on for ever
constexpr std::size_t kBusyWaits = 20;    // failures at once, while another task had to run
constexpr std::size_t kFlood = 500;       // equal writes after the input has ended

constexpr const char* kPlainCalls = "plain calls";  // in what the conductor says of it

using Calls = std::vector<const Step*>;

// The last calls of a task, oldest first.
Calls tail_of(const Trace& run, std::uint32_t task, std::size_t count) {
  Calls tail;
  for (std::size_t i = steps_before_end(run); i-- > 0 && tail.size() < count;)
    if (run.steps[i].task == task && run.steps[i].event == Event::call)
      tail.push_back(&run.steps[i]);
  std::ranges::reverse(tail);
  return tail;
}

bool is_readiness(Call call) {
  return call == Call::poll || call == Call::select || call == Call::epoll_wait;
}
bool is_end_of_file(const Trace& run, const Step& step) {
  return (step.call == Call::read || step.call == Call::recv) && step.result == 0 &&
         is_known(run, step);
}

// Moves nothing: a failure, the end of a file, readiness that nobody uses. A time-out is a pause.
bool is_idle(const Trace& run, const Step& step) {
  // Nor does one that slept until a signal came: pause(2) never ends otherwise.
  if ((step.flags & (kTimedOut | kDuring)) != 0) return false;
  return step.result < 0 || is_end_of_file(run, step) ||
         (is_readiness(step.call) && step.result > 0) || step.call == Call::sched_yield;
}

// What no other task's work can change.
bool is_final(const Trace& run, const Step& step) {
  constexpr std::array kErrors = {EINVAL, EIDRM, EPIPE, EBADF, ECONNRESET, ENOTCONN, ECHILD};
  if (step.result < 0)
    return std::ranges::find(kErrors, static_cast<int>(-step.result)) != kErrors.end();
  // The next writer may open a FIFO.
  return is_end_of_file(run, step) && step.object < run.objects.size() &&
         run.objects[step.object].kind != ObjectKind::fifo;
}

bool is_same(const Step& a, const Step& b) {
  return a.call == b.call && a.object == b.object && a.result == b.result &&
         (a.object != kNoObject || a.detail == b.detail);
}

bool repeats(const Trace& run, const Calls& tail, std::size_t length) {
  if (tail.size() < kCycles * length) return false;
  const std::size_t from = tail.size() - kCycles * length;
  for (std::size_t i = from; i < tail.size(); ++i) {
    if (!is_idle(run, *tail[i])) return false;
    if (i >= from + length && !is_same(*tail[i], *tail[i - length])) return false;
  }
  return true;
}

// Somebody else may yet end it, if the schedule lets him.
bool is_alone(const Calls& tail, std::size_t length) {
  return std::all_of(tail.end() - static_cast<std::ptrdiff_t>(length), tail.end(),
                     [](const Step* step) { return step->others.empty(); });
}

bool is_kin(Call one, Call other) {
  const auto is_of_queue = [](Call call) { return call == Call::msgsnd || call == Call::msgrcv; };
  return one == other || (is_of_queue(one) && is_of_queue(other));
}

// With the object that it was about before: the id of a removed one names none.
Step with_object(const Trace& run, Step step) {
  for (std::size_t i = run.steps.size(); i-- > 0 && step.object == kNoObject;)
    if (run.steps[i].task == step.task && is_kin(run.steps[i].call, step.call))
      step.object = run.steps[i].object;
  return step;
}

Verdict verdict_of(const Trace& run, const Step& step, const std::string& what) {
  return {.kind = "spin",
          .signature = "spin: " + role_of(run, step.task) + ' ' +
                       said_role(run, with_object(run, step)) + ' ' +
                       (step.result < 0 || is_end_of_file(run, step) ? outcome(step) : "again"),
          .peers = {run.tasks[step.task].name},
          .step = static_cast<std::uint32_t>(&step - run.steps.data()),
          .explanation = name_of(run, step.task) + ' ' + what};
}

// The call of a cycle that tells most: a failure, else the end of file, else the first.
const Step& telling(const Trace& run, const Calls& cycle) {
  for (const Step* step : cycle)
    if (step->result < 0) return *step;
  for (const Step* step : cycle)
    if (is_end_of_file(run, *step)) return *step;
  return *cycle.front();
}

void find_endless(const Case& c, std::uint32_t task, std::vector<Verdict>& verdicts) {
  const Calls tail = tail_of(c.run, task, kCycles * kLongestCycle);
  for (std::size_t length = 1; length <= kLongestCycle; ++length) {
    if (!repeats(c.run, tail, length)) continue;
    const Calls cycle(tail.end() - static_cast<std::ptrdiff_t>(length), tail.end());
    const Step& step = telling(c.run, cycle);
    if (step.call == Call::sched_yield) return;
    if (!is_final(c.run, step) && !is_alone(tail, length)) return;
    const std::string why = step.result > 0 ? "reports the same again and again, and nobody looks"
                                            : outcome(step) + " again and again";
    verdicts.push_back(verdict_of(c.run, step,
                                  "calls " + said(c.run, with_object(c.run, step)) +
                                      " for ever without a pause: " + why + '.'));
    return;
  }
}

// Busy waiting: the same non-blocking call at once and at once again, until the others have done
// something.
void find_busy_wait(const Case& c, std::uint32_t task, std::vector<Verdict>& verdicts) {
  const Step* last = nullptr;
  std::size_t count = 0;
  for (const Step& step : c.run.steps) {
    if (step.task != task || step.event != Event::call) continue;
    const bool is_again = last != nullptr && step.call == last->call &&
                          step.object == last->object && (step.flags & kTimedOut) == 0;
    if (is_again && step.result == last->result && step.result < 0 && step.object != kNoObject) {
      ++count;
    } else if (is_again && step.result >= 0 && count >= kBusyWaits) {
      Verdict verdict =
          verdict_of(c.run, *last,
                     "repeats " + said(c.run, *last) + " at once while it says " + outcome(*last) +
                         ": a processor burns until another task "
                         "happens to run.");
      if (c.is_calm()) verdict.severity = Severity::note;
      verdicts.push_back(std::move(verdict));
      return;
    } else {
      count = 0;
    }
    last = &step;
  }
}

bool is_message(const Trace& run, const Step& step) {
  return step.object < run.objects.size() && holds_messages(run.objects[step.object].kind);
}

// After the end of its input the task sends the same for ever.
void find_flood(const Case& c, std::uint32_t task, std::vector<Verdict>& verdicts) {
  const Calls tail = tail_of(c.run, task, kFlood);
  if (tail.size() < kFlood) return;
  const Step& step = *tail.back();
  const bool is_flood = std::ranges::all_of(tail, [&](const Step* one) {
    const bool is_sent = one->result > 0 || (is_message(c.run, *one) && one->result == 0);
    return is_output(one->call) && is_sent && one->object == step.object && one->data == step.data;
  });
  if (!is_flood) return;
  const auto is_before = [&](const Step& one) { return one.task == task && &one < tail.front(); };
  const bool has_changed = std::ranges::any_of(c.run.steps, [&](const Step& one) {
    return is_before(one) &&
           (is_end_of_file(c.run, one) ||
            (one.object == step.object && is_output(one.call) && one.data != step.data));
  });
  Verdict verdict =
      verdict_of(c.run, step,
                 "calls " + said(c.run, step) +
                     " for ever with the same data, as fast as it can: its input has ended.");
  // Something like yes(1) does so from its first call on.
  if (!has_changed) verdict.severity = Severity::note;
  verdicts.push_back(std::move(verdict));
}

// Plain calls, of files and the like, are no steps: the conductor says when a task makes nothing
// else. Something that computes for long does so in the calm run too.
void find_plain(const Case& c, std::vector<Verdict>& verdicts) {
  const auto says_so = [](const Step& step) {
    return step.event == Event::unmanaged && step.detail.contains(kPlainCalls);
  };
  if (c.is_calm() || std::ranges::any_of(c.calm.steps, says_so)) return;
  for (const Step& step : c.run.steps)
    if (says_so(step) && step.task < c.run.tasks.size())
      verdicts.push_back({.kind = "spin",
                          .signature = "spin: " + role_of(c.run, step.task) + ' ' + kPlainCalls,
                          .peers = {c.run.tasks[step.task].name},
                          .step = static_cast<std::uint32_t>(&step - c.run.steps.data()),
                          .explanation = name_of(c.run, step.task) +
                                         " repeats calls that move nothing for ever, like reading "
                                         "a file at its end; in the calm run it goes on."});
}

// The run ended without it: it spins, or computes for longer than the harness waits. Only its
// author knows.
void find_calm_spin(const Case& c, std::vector<Verdict>& verdicts) {
  constexpr std::string_view kInUserSpace = "spins in user space";
  if (!c.is_calm()) return;
  for (const Step& step : c.run.steps)
    if (step.event == Event::unmanaged && step.detail == kInUserSpace &&
        step.task < c.run.tasks.size() && c.run.tasks[step.task].alive)
      verdicts.push_back({.severity = Severity::note,
                          .kind = "spin",
                          .signature = "spin: " + role_of(c.run, step.task) + " in user space",
                          .peers = {c.run.tasks[step.task].name},
                          .step = static_cast<std::uint32_t>(&step - c.run.steps.data()),
                          .explanation = name_of(c.run, step.task) +
                                         " makes no call for longer than the limit of spin_cpu "
                                         "and the run ends without it: it spins, or computes and "
                                         "needs a higher limit."});
}

}  // namespace

std::vector<Verdict> judge_spin(const Case& c) {
  std::vector<Verdict> verdicts;
  find_plain(c, verdicts);
  find_calm_spin(c, verdicts);
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task) {
    if (c.run.ending == Ending::step_limit && c.run.tasks[task].alive) {
      find_endless(c, task, verdicts);
      find_flood(c, task, verdicts);
    }
    if (c.run.steps.size() >= kBusyWaits) find_busy_wait(c, task, verdicts);
  }
  return verdicts;
}

}  // namespace pipewrench
