// Signals: sending, waiting for, and what sigaction installs.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/signals.h"
#include "harness/core/fd.h"

namespace pipewrench {
namespace {

struct KernelAction {  // of rt_sigaction(2), not libc's
  std::uint64_t handler, flags, restorer, mask;
};

void installs(Run& run, std::uint32_t task, const KernelAction& action) {
  Process& process = run.process_of(task);
  Action& known = process.actions[run.pending_of(task).address(0)];
  known = {.caught = action.handler > 1,  // neither SIG_DFL nor SIG_IGN
           .restart = (action.flags & SA_RESTART) != 0,
           .ignored = action.handler == 1,
           .handler = action.handler};
  ++process.signal_version;
}

// What nobody else sends, or libc keeps to itself (signal(7), nptl(7)).
bool is_private(std::uint64_t signal) {
  constexpr std::uint64_t kLastOfLibc = 33;
  switch (signal) {
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGSYS:
      return true;
    default:
      return signal >= 32 && signal <= kLastOfLibc;
  }
}

// The first handler for a signal that might have come before it, from a child or a partner: whoever
// has made calls already has perhaps told them his PID.
Look look_sigaction(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const Process& process = run.process_of(task);
  const auto signal = pending.address(0);
  const auto action = read_value<KernelAction>(process.pid, pending.address(1));
  if (!action || signal == 0 || signal >= process.actions.size()) return Look::pass;
  const bool is_late = run.live[task].calls > 0 && action->handler > 1 &&
                       !process.actions[signal].caught && !is_private(signal);
  if (!is_late) {
    installs(run, task, *action);
    return Look::pass;
  }
  pending.number = static_cast<std::int64_t>(signal);
  pending.detail = signal_name(static_cast<int>(signal));
  return Look::ipc;
}

void act_sigaction(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (const auto action = read_value<KernelAction>(run.process_of(task).pid, pending.address(1)))
    installs(run, task, *action);
  kernel_acts(run, task);
}

// kill(2) of 0 or of a group is wild unless the group is the caller's own work: each peer starts as
// a group's leader.
bool is_wild_group(const Run& run, std::uint32_t task, std::int64_t target) {
  if (target == -1) return true;
  if (target == 0) return false;
  for (const Process& process : run.processes)
    if (process.inner == -target) return process.peer != run.processes[run.live[task].process].peer;
  return true;
}

// Whom a wild signal means, without numbers: the oracle tells a death not noticed from a wrong
// target by it.
std::string wild_target(const Run& run, std::int64_t target) {
  if (target == -1) return "everybody";
  if (target < -1) return "a foreign group";
  if (target == 1) return "init";
  for (const Process& process : run.processes)
    if (process.inner == target) return "ended " + run.trace.tasks[process.main].name;
  return "nobody";
}

// Whom the call means, now: since it trapped a child may have been born or have ended.
Look aim(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.other = kNobody;
  pending.expected = 0;
  pending.flags &= static_cast<std::uint16_t>(~kWildTarget);
  const int number = pending.notif.data.nr;
  std::int64_t target = static_cast<pid_t>(pending.address(0));
  unsigned signal_argument = 1;
  if (number == SYS_tgkill || number == SYS_rt_tgsigqueueinfo) {
    signal_argument = 2;
  } else if (number == SYS_pidfd_send_signal) {
    // fdinfo tells whom a pidfd means, in the PID namespace of whose /proc is asked: that is ours.
    char path[64], line[128];
    std::snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", run.process_of(task).pid,
                  static_cast<int>(pending.address(0)));
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
    int outer = -1;
    while (file && std::fgets(line, sizeof line, file.get()) != nullptr)
      std::sscanf(line, "Pid: %d", &outer);
    target = 0;
    for (const Process& process : run.processes)
      if (process.pid == outer && outer > 0) target = process.inner;
    if (target == 0) pending.expected = -ESRCH;
  }
  const int signal = static_cast<int>(pending.address(signal_argument));
  pending.number = signal;
  pending.detail = signal_name(signal);
  if (target > 0) pending.other = run.task_of_inner(static_cast<pid_t>(target));
  const bool nobody = target > 0 && pending.other == kNobody && target != 1;
  if (nobody && number == SYS_tkill) return Look::pass;  // a thread's id
  if (nobody) pending.expected = -ESRCH;
  if (signal != 0 && number != SYS_pidfd_send_signal &&
      (nobody || target == 1 || (target <= 0 && is_wild_group(run, task, target))))
    pending.flags |= kWildTarget;
  if ((pending.flags & kWildTarget) != 0) pending.detail += ", " + wild_target(run, target);
  return Look::ipc;
}

bool ends_at_once(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    // These dump core: they are fatal only when the task runs again, and it is parked.
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGXCPU:
    case SIGXFSZ:
    case SIGSYS:
      return false;
    default:
      return true;
  }
}

// A signal that kills is sent from here, and the sender goes on when the other is dead: else the
// two would run side by side, and when SIGCHLD arrives would be chance. No handler will ask who
// sent it.
bool killed_from_here(Run& run, std::uint32_t task, const TaskStatus& target) {
  Pending& pending = run.pending_of(task);
  const auto signal = static_cast<int>(pending.number);
  const std::uint64_t bit = 1ULL << (signal - 1);
  const Process& process = run.process_of(pending.other);
  if (process.dead || process.pid == run.process_of(task).pid || !ends_at_once(signal) ||
      ((target.blocked | target.caught | target.ignored) & bit) != 0)
    return false;
  if (syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0) != 0) return false;
  if (is_dying(process.pid)) {
    pollfd ended{process.pidfd.get(), POLLIN, 0};
    poll(&ended, 1, -1);
    run.dies(run.live[pending.other].process);  // seen to before anything else
  }
  hint_signal(run.process_of(pending.other));
  hint_signal(run.process_of(task));
  run.record(task, 0);
  run.answer(task, 0);
  return true;
}

void act_kill(Run& run, std::uint32_t task) {
  aim(run, task);
  Pending& pending = run.pending_of(task);
  const auto signal = static_cast<unsigned>(pending.number);
  if (pending.other != kNobody && signal >= 1 && signal < 65) {
    const auto target = task_status(run.process_of(pending.other).pid);
    const std::uint64_t bit = 1ULL << (signal - 1);
    if (target && signal < 32 && ((target->shared_pending | target->own_pending) & bit) != 0)
      pending.flags |= kCoalesced;
    if (target && killed_from_here(run, task, *target)) return;
  }
  const std::uint32_t other = pending.other;
  kernel_acts(run, task);
  for (Process& process : run.processes)
    if (other == kNobody || process.main == other) hint_signal(process);
}

// Never: only a signal ends it, and the scheduler sees to signals.
bool never(Run&, std::uint32_t) { return false; }
Look look_pause(Run&, std::uint32_t) { return Look::ipc; }

std::uint64_t set_at(Run& run, std::uint32_t task, std::uint64_t address) {
  return read_value<std::uint64_t>(run.process_of(task).pid, address).value_or(0);
}

// sigsuspend swaps the mask in the kernel: what pends under the new one ends it.
bool can_suspend(Run& run, std::uint32_t task) {
  const TaskStatus& status = signals_of(run, task);
  const std::uint64_t mask = set_at(run, task, run.pending_of(task).address(0));
  return ((status.own_pending | status.shared_pending) & ~mask & ~status.ignored) != 0;
}
void act_suspend(Run& run, std::uint32_t task) {
  run.pending_of(task).expected = -EINTR;
  kernel_acts(run, task);
}

Look look_sigtimedwait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.address(2) == 0) return Look::ipc;
  if (const auto limit = read_value<timespec>(run.process_of(task).pid, pending.address(2))) {
    const auto wait_ns = static_cast<std::uint64_t>(limit->tv_sec) * 1'000'000'000 +
                         static_cast<std::uint64_t>(limit->tv_nsec);
    pending.nonblocking = wait_ns == 0;
    pending.due_ns = run.now_ns + wait_ns;
  }
  return Look::ipc;
}
std::uint64_t awaited(Run& run, std::uint32_t task) {
  const TaskStatus& status = signals_of(run, task);
  return (status.own_pending | status.shared_pending) &
         set_at(run, task, run.pending_of(task).address(0));
}
bool can_sigtimedwait(Run& run, std::uint32_t task) {
  return run.pending_of(task).nonblocking || awaited(run, task) != 0;
}
void act_sigtimedwait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const std::uint64_t set = awaited(run, task);
  if (set == 0 && (pending.timed_out || pending.nonblocking)) {
    run.record(task, -EAGAIN, pending.timed_out ? kTimedOut : std::uint16_t{0});
    run.answer(task, -EAGAIN);
    return;
  }
  pending.expected = set == 0 ? -EINTR : __builtin_ctzll(set) + 1;
  pending.number = pending.expected > 0 ? pending.expected : 0;
  kernel_acts(run, task);
}

constexpr CallRow kRows[] = {
    {SYS_rt_sigaction, Call::sigaction, look_sigaction, nullptr, act_sigaction, nullptr, 1},
    {SYS_kill, Call::kill, aim, nullptr, act_kill},
    {SYS_tkill, Call::kill, aim, nullptr, act_kill},
    {SYS_tgkill, Call::kill, aim, nullptr, act_kill},
    {SYS_rt_sigqueueinfo, Call::kill, aim, nullptr, act_kill},
    {SYS_rt_tgsigqueueinfo, Call::kill, aim, nullptr, act_kill},
    {SYS_pidfd_send_signal, Call::pidfd_send_signal, aim, nullptr, act_kill},
    {SYS_rt_sigsuspend, Call::sigsuspend, look_pause, can_suspend, act_suspend},
    {SYS_rt_sigtimedwait, Call::sigtimedwait, look_sigtimedwait, can_sigtimedwait,
     act_sigtimedwait},
#ifdef SYS_pause
    {SYS_pause, Call::pause, look_pause, never},
#endif
};

}  // namespace

std::span<const CallRow> signal_rows() { return kRows; }

}  // namespace pipewrench
