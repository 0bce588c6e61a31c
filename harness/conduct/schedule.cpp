// SPDX-License-Identifier: MIT
#include "harness/conduct/schedule.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/stage.h"
#include "harness/conduct/sysv.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kStep_ns = 1'000;  // virtual time of a step
constexpr std::uint32_t kTurnLength =
    1'000;  // steps in a row, then others: nobody starves in the calm run
constexpr std::uint64_t kTurnsPerLook = 256;   // at who waits for the run
constexpr std::uint32_t kIdleTurnLength = 50;  // of a task that only asks and gets nothing
constexpr std::uint32_t kMostIdleJumps =
    100;  // then all rest, though somebody looks in every second
constexpr int kRestartNoInterrupt =
    513;  // ERESTARTNOINTR: the handler runs, then the call traps again

bool moved_something(const Step& step) {
  if (step.event != Event::call) return step.event != Event::timer && step.event != Event::waits;
  switch (step.call) {
    case Call::nanosleep:
    case Call::sched_yield:
    case Call::sigaction:
      return false;
    case Call::futex:
      return step.result > 0 || step.detail != "wake";
    case Call::poll:
    case Call::select:
    case Call::epoll_wait:
    case Call::sigtimedwait:
      return step.result > 0;
    default:
      return step.result > 0 || (step.result == 0 && (step.flags & kTimedOut) == 0 &&
                                 (step.call != Call::wait || step.other != kNobody));
  }
}

}  // namespace

// Asked again and again in one turn, in which nothing changes but by a deviation.
bool Scheduler::is_ready(std::uint32_t task) {
  Live& one = run.live[task];
  if (one.ready_looked != looks) {
    one.ready_looked = looks;
    one.ready = one.pending.row->ready == nullptr || one.pending.row->ready(run, task);
  }
  return one.ready;
}

// A task that has not had its turn at this call is a candidate even if it will block: then its turn
// is to block.
bool Scheduler::is_candidate(std::uint32_t task) {
  const Live& one = run.live[task];
  if (one.state != State::parked) return false;
  if (!one.pending.entered || one.pending.due_ns <= run.now_ns) return true;
  return is_ready(task) || has_deliverable(run, task);
}

void Scheduler::enter(std::uint32_t task) {
  Pending& pending = run.live[task].pending;
  pending.entered = true;
  pending.since = ++arrivals;
  Step& step = run.record_event(Event::waits, task);
  step.call = pending.call;
  step.n = pending.n;
  step.object = pending.object;
  step.asked = pending.asked;
  step.number = pending.number;
  step.detail = pending.detail;
}

// The handler of a signal that came before the call runs before it: this is the lost wake-up of
// check-then-pause.
void Scheduler::deliver_before(std::uint32_t task) {
  Live& one = run.live[task];
  Step& step = run.record_event(Event::delivered, task);
  step.number = first_deliverable(run, task);
  step.n = one.pending.n;
  --one.calls;
  one.falls_asleep = step.number == SIGSTOP;
  ++run.process_of(task).signal_version;
  run.answer(task, -kRestartNoInterrupt);
}

void Scheduler::take_turn(std::uint32_t task, std::vector<std::uint16_t> others) {
  Live& one = run.live[task];
  const auto first = static_cast<std::uint32_t>(run.trace.steps.size());
  Legal legal;
  bool ready = is_ready(task);
  if (!one.pending.entered) {
    if (meets_debugger(task)) return;
    if (has_deliverable(run, task) && one.pending.call != Call::count_) return deliver_before(task);
    legal = legal_of(run, task, ready);
    if (!one.pending.offered) {
      one.pending.offered = true;
      const CallView view{
          {task, run.trace.tasks[task].name, one.pending.n, one.pending.call, one.pending.object},
          one.pending.asked,
          one.pending.nonblocking,
          legal.kinds,
          legal.errors,
          legal.shortest,
          legal.longest};
      if (const auto deviation = policy.deviate(view)) {
        run.trace.plan.push_back(*deviation);
        const Played played = play(task, *deviation);
        if (played == Played::dealt_with) return;
        if (played == Played::nothing) {
          run.trace.plan.pop_back();
          run.trace.unused.push_back(*deviation);
        }
        ++looks;
        ready = is_ready(task);
      }
    }
  }
  if (ready) {
    one.pending.row->act != nullptr ? one.pending.row->act(run, task) : kernel_acts(run, task);
  } else if (one.pending.due_ns <= run.now_ns || one.pending.forced_time_out) {
    one.pending.timed_out = true;
    one.pending.row->act(run, task);
  } else if (one.pending.entered && has_deliverable(run, task)) {
    Step& step = run.record_event(Event::delivered, task);
    step.number = first_deliverable(run, task);
    step.n = one.pending.n;
    step.flags = kDuring;
    ++run.process_of(task).signal_version;
    one.pending.flags |= kDuring;
    if (one.pending.expected == 0) one.pending.expected = -EINTR;
    one.pending.row->act != nullptr ? one.pending.row->act(run, task) : kernel_acts(run, task);
  } else {
    enter(task);
    // Nobody runs on from here: who was ready still is.
    only_blocked = std::ranges::all_of(run.live, [](const Live& each) {
      return each.state == State::parked || each.state == State::dead;
    });
  }
  if (one.state == State::parked && !one.pending.entered)
    enter(task);  // a small write that found no room
  for (std::size_t i = first; i < run.trace.steps.size(); ++i) {
    Step& step = run.trace.steps[i];
    if (step.task != task || (step.event != Event::call && step.event != Event::waits)) continue;
    ++call_steps;
    step.others = others;
    step.legal |= legal.kinds;
    step.legal_errors = legal.errors;
    if (moved_something(step)) idle_jumps = 0;
    one.idle_steps = moved_something(step) ? 0 : one.idle_steps + 1;
  }
}

// Makes a timerfd tell of so many expirations more than it does. True if it told of none before.
static bool expire(Timer& timer, std::uint64_t times) {
  constexpr auto kSetTicks = _IOW('T', 0, std::uint64_t);  // TFD_IOC_SET_TICKS, timerfd_create(2)
  pollfd one{timer.duplicate.get(), POLLIN, 0};
  const bool is_first = poll(&one, 1, 0) == 0;
  timer.expirations = is_first ? times : timer.expirations + times;
  if (ioctl(one.fd, kSetTicks, &timer.expirations) == 0) return is_first;
  // A kernel without it: readable at once, one nanosecond from now, and of one expiration.
  const itimerspec soon{{}, {0, 1}};
  timerfd_settime(one.fd, 0, &soon, nullptr);
  poll(&one, 1, -1);
  return is_first;
}

void Scheduler::send_signal_of(const Timer& timer, std::uint32_t process) {
  siginfo_t info{};
  info.si_signo = timer.signal;
  info.si_code = timer.kind == Timer::Kind::posix ? SI_TIMER : SI_QUEUE;
  info.si_value.sival_ptr = reinterpret_cast<void*>(timer.value);
  Process& receiver = run.processes[process];
  if (timer.thread == 0) {
    syscall(SYS_pidfd_send_signal, receiver.pidfd.get(), timer.signal, &info, 0);
  } else {
    for (const Live& one : run.live)
      if (one.process == process && one.inner == timer.thread && one.state != State::dead)
        syscall(SYS_rt_tgsigqueueinfo, receiver.pid, one.tid, timer.signal, &info);
  }
  hint_signal(receiver);
}

void Scheduler::fire_timers() {
  for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
    Process& process = run.processes[i];
    if (process.dead) continue;
    for (Timer& timer : process.timers) {
      if (timer.due_ns > run.now_ns) continue;
      ++looks;
      const bool repeats = timer.interval_ns != 0;
      const std::uint64_t times = repeats ? (run.now_ns - timer.due_ns) / timer.interval_ns + 1 : 1;
      timer.due_ns = repeats ? timer.due_ns + times * timer.interval_ns : kNever;
      const bool is_descriptor = timer.kind == Timer::Kind::descriptor;
      if (is_descriptor && !expire(timer, times)) continue;
      run.record_event(Event::timer, process.main).number = timer.signal;
      if (!is_descriptor && timer.signal != 0) send_signal_of(timer, i);
    }
  }
}

bool Scheduler::advance_clock(Ending& ending, std::uint64_t until_ns) {
  std::uint64_t next = kNever;
  for (const Live& one : run.live)
    if (one.state == State::parked) next = std::min(next, one.pending.due_ns);
  for (const Process& process : run.processes)
    if (!process.dead)
      for (const Timer& timer : process.timers) next = std::min(next, timer.due_ns);
  const bool anybody =
      std::ranges::any_of(run.live, [](const Live& one) { return one.state != State::dead; });
  ending = anybody ? Ending::at_rest : Ending::exited;
  if (!anybody || next == kNever || ++idle_jumps > kMostIdleJumps) return false;
  if (next > until_ns) {
    ending = Ending::time_limit;
    return false;
  }
  run.now_ns = std::max(run.now_ns, next);
  fire_timers();
  return true;
}

bool Scheduler::one_turn(Ending& ending, std::uint64_t until_ns) {
  if (!settle()) {
    ending = Ending::harness_error;
    return false;
  }
  if (!std::exchange(only_blocked, false)) ++looks;
  run.stage.pump_terminals();
  watch_segments(run, current == kNobody ? 0 : current);
  std::vector<Candidate> candidates;
  for (std::uint32_t task = 0; task < run.live.size(); ++task)
    if (is_candidate(task)) {
      const Pending& pending = run.live[task].pending;
      candidates.push_back(
          {task, run.trace.tasks[task].name, pending.n, pending.call, pending.object});
    }
  if (candidates.empty()) {
    // Who filled a queue takes his messages out again before anybody could say that it hangs.
    if (release_queues(run)) return true;
    return advance_clock(ending, until_ns);
  }
  std::size_t calm = 0;
  const auto mine = std::ranges::find(candidates, current, &Candidate::task);
  if (mine != candidates.end()) {
    Live& one = run.live[current];
    calm = static_cast<std::size_t>(mine - candidates.begin());
    const bool long_enough = ++in_a_row > kTurnLength || one.idle_steps > kIdleTurnLength;
    if (candidates.size() > 1 && (one.yielded || long_enough)) {
      calm = (calm + 1) % candidates.size();
      one.idle_steps = 0;
    }
    one.yielded = false;
  }
  const std::size_t chosen = candidates.size() > 1 ? policy.choose(candidates, calm) : 0;
  if (chosen != calm)
    run.trace.plan.push_back({.kind = Deviate::preempt,
                              .task = std::string(candidates[calm].name),
                              .n = candidates[calm].n,
                              .other = std::string(candidates[chosen].name)});
  std::vector<std::uint16_t> others;
  for (const Candidate& candidate : candidates)
    if (candidate.task != candidates[chosen].task)
      others.push_back(static_cast<std::uint16_t>(candidate.task));
  if (candidates[chosen].task != current) in_a_row = 0;
  current = candidates[chosen].task;
  run.now_ns += kStep_ns;
  turn_ns = run.now_ns;
  fire_timers();
  if (run.live[current].state == State::parked) take_turn(current, std::move(others));
  return true;
}

bool Scheduler::is_wanted() {
  pollfd line{.fd = caller, .events = 0, .revents = 0};
  if (caller < 0 || poll(&line, 1, 0) <= 0 || (line.revents & POLLHUP) == 0) return true;
  failure = "nobody waits for this run any more";
  return false;
}

Ending Scheduler::turns(std::uint32_t most_steps, std::uint64_t until_ns) {
  Ending ending = Ending::at_rest;
  call_steps = 0;
  only_blocked = false;  // signals may have come since
  // Turns that make no step (a signal's handler runs first) are bounded too.
  for (std::uint64_t i = 0; i < 4ULL * most_steps; ++i) {
    if (i % kTurnsPerLook == 0 && !is_wanted()) return Ending::harness_error;
    if (!one_turn(ending, until_ns)) return ending;
    if (call_steps >= most_steps) break;
  }
  return settle() ? Ending::step_limit : Ending::harness_error;
}

}  // namespace pipewrench
