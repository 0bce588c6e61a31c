// SPDX-License-Identifier: MIT
#include "harness/conduct/signals.h"

#include <bit>
#include <csignal>

namespace pipewrench {

void hint_signal(Process& process) {
  process.signal_hint = true;
  ++process.signal_version;
}

const TaskStatus& signals_of(Run& run, std::uint32_t task) {
  static const TaskStatus kNone;
  Live& one = run.live[task];
  Process& process = run.process_of(task);
  if (!process.signal_hint) return kNone;
  if (one.signals_version != process.signal_version) {
    one.signals = task_status(one.tid).value_or(TaskStatus{});
    one.signals_version = process.signal_version;
    if ((one.signals.own_pending | one.signals.shared_pending) == 0 && process.threads_alive <= 1) {
      process.signal_hint = false;
      return kNone;
    }
  }
  return one.signals;
}

bool has_deliverable(Run& run, std::uint32_t task) {
  const TaskStatus& mine = signals_of(run, task);
  if (mine.deliverable() == 0) return false;
  if ((mine.own_pending & ~mine.blocked) != 0) return true;
  // A signal to the whole process: the kernel wakes its first thread, unless that one blocks the
  // signal (complete_signal in kernel/signal.c); then any other, which we know only if there is
  // just one.
  const Process& process = run.process_of(task);
  if (process.main == task || process.threads_alive <= 1) return true;
  std::uint32_t takers = 0;
  for (std::uint32_t other = 0; other < run.live.size(); ++other) {
    if (run.live[other].process != run.live[task].process || run.live[other].state == State::dead)
      continue;
    const auto status = task_status(run.live[other].tid);
    if (status && (mine.shared_pending & ~status->blocked) != 0) ++takers;
  }
  return takers == 1;
}

bool is_dying(pid_t pid) {
  constexpr std::uint64_t kKillBit = 1ULL << (SIGKILL - 1);
  const auto status = task_status(pid);
  const auto stat = task_stat(pid);
  return !status || (status->own_pending & kKillBit) != 0 || !stat || stat->exiting;
}

int first_deliverable(Run& run, std::uint32_t task) {
  const std::uint64_t set = signals_of(run, task).deliverable();
  return set == 0 ? 0 : std::countr_zero(set) + 1;
}

}  // namespace pipewrench
