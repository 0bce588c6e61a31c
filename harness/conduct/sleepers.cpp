// Who neither traps nor ends: asleep in the kernel, woken there by another's call, stopped, or
// spinning. /proc says which.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <seccomp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/proc.h"
#include "harness/conduct/schedule.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/stage.h"

namespace pipewrench {
namespace {

std::uint64_t ticks_to_ns(std::uint64_t ticks) {
  return ticks * (1'000'000'000ULL / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK)));
}

std::string call_named(long number) {
  const std::unique_ptr<char, void (*)(void*)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number)), std::free);
  return name ? name.get() : "system call " + std::to_string(number);
}

}  // namespace

// A task is back from a call in which the kernel held it. If it is killed there it never is.
void Scheduler::woke(std::uint32_t task) {
  Live& one = run.live[task];
  Pending pending = std::exchange(one.slept, Pending{});
  std::swap(one.pending, pending);
  run.record(task, 0, run.process_of(task).signal_hint ? kUnknownResult : std::uint16_t{0});
  std::swap(one.pending, pending);
}

// The file stays open for the first tasks: of thousands each would hold a descriptor.
static std::optional<TaskStat> stat_of(Run& run, std::uint32_t task) {
  constexpr std::uint32_t kKeptOpen = 64;
  Live& one = run.live[task];
  return task_stat(one.tid, task < kKeptOpen ? &one.stat : nullptr);
}

bool Scheduler::look_at_sleepers() {
  bool found = false;
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    Live& one = run.live[task];
    if (one.state != State::asleep || one.spins || one.vforking) continue;
    const auto stat = stat_of(run, task);
    const char state = stat ? stat->state : 'X';
    if (state == 'S' || state == 'D' || state == 'T' || state == 't') continue;
    one.state = State::running;
    found = true;
  }
  return found;
}

// The clone call has failed, or the newcomer died before its first call: then it is adopted dead,
// or his parent would wait for nobody.
void Scheduler::look_for_newcomer(std::uint32_t parent) {
  std::vector<pid_t> family = children_of(run.process_of(parent).pid);
  const std::vector<pid_t> threads = threads_of(run.process_of(parent).pid);
  family.insert(family.end(), threads.begin(), threads.end());
  run.refresh_reaped(run.live[parent].process);
  const auto stranger = std::ranges::find_if(family, [&](pid_t tid) {
    const auto is_it = [&](const Process& child) { return child.pid == tid && !child.reaped; };
    return !by_tid.contains(tid) && std::ranges::none_of(run.processes, is_it);
  });
  if (stranger == family.end()) {
    run.live[parent].births = 0;
    return;
  }
  const auto stat = task_stat(*stranger);
  if (!stat || stat->state != 'Z') return;
  if (const std::uint32_t task = adopt(*stranger); task != kNobody)
    run.process_of(task).ended = true;
}

// Those who run but neither trap nor die: asleep in a call that is not modelled, stopped, or
// spinning.
void Scheduler::look_at_laggards(bool only_falling) {
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    Live& one = run.live[task];
    if (only_falling && !one.falls_asleep) continue;
    // Who is to wait in vfork(2) may not have come to his clone call yet, on a busy machine.
    const bool may_still_clone = one.vforking && one.state == State::asleep;
    if (one.state != State::running) {
      if (one.births > 0 && !may_still_clone) look_for_newcomer(task);
      continue;
    }
    const auto stat = stat_of(run, task);
    if (!stat || stat->state == 'X' || stat->state == 'Z') {
      if (run.process_of(task).main != task) task_died(task, 0);
      continue;
    }
    // Giving much memory back takes time: that is not spinning.
    if (stat->state == 't' || stat->exiting) continue;
    if (stat->state == 'T') {
      one.state = State::asleep;
      one.stop_news = true;
      if (const std::uint32_t parent = run.process_of(task).parent; parent != kNobody)
        hint_signal(run.processes[parent]);
    } else if (stat->state == 'S') {
      const Process& process = run.process_of(task);
      if (process.tracer || process.traced_by != kNobody) continue;
      // It may have trapped since we looked: that is a sleep too.
      pollfd listener{run.stage.listener(), POLLIN, 0};
      if (poll(&listener, 1, 0) != 0) return;
      // One that looked awake for a moment, in the call that holds it, has not come back from it.
      if (!one.falls_asleep && one.slept.row == nullptr)
        run.unmanaged(task, "sleeps in " + call_named(sleeping_call(one.tid)));
      one.state = State::asleep;
    } else if (one.ticks == 0) {
      one.ticks = stat->cpu_ticks + 1;
    } else if (ticks_to_ns(stat->cpu_ticks + 1 - one.ticks) > run.scenario.limits.spin_cpu_ns) {
      run.unmanaged(task, "spins in user space");
      one.spins = true;
      one.state = State::asleep;
    }
  }
}

// Who slept in the kernel may have been woken by the call just made: he runs, or has trapped again
// already and sleeps in that (the notification is queued before the sleep).
bool Scheduler::sleepers_move() {
  if (std::ranges::none_of(run.live, [](const Live& one) { return one.state == State::asleep; }))
    return false;
  if (look_at_sleepers()) return true;
  pollfd listener{run.stage.listener(), POLLIN, 0};
  const bool has_trapped = poll(&listener, 1, 0) > 0 && (listener.revents & POLLIN) != 0;
  if (has_trapped) receive();
  return has_trapped;
}

}  // namespace pipewrench
