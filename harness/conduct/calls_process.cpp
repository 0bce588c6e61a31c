// Birth, exec, death and waiting for children; and the calls that are answered so that runs
// repeat: getrandom, sched_getaffinity, io_uring_setup.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/paths.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/stage.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kMostRandom = 1 << 16;

std::uint64_t clone_flags(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  switch (pending.notif.data.nr) {
    case SYS_clone:
      return pending.address(0);
    case SYS_clone3:
      return read_value<std::uint64_t>(run.process_of(task).pid, pending.address(0)).value_or(0);
#ifdef SYS_vfork
    case SYS_vfork:
      return CLONE_VFORK | CLONE_VM;
#endif
    default:
      return 0;
  }
}

Look look_fork(Run& run, std::uint32_t task) {
  const std::uint64_t flags = clone_flags(run, task);
  run.pending_of(task).detail = (flags & CLONE_THREAD) != 0  ? "thread"
                                : (flags & CLONE_VFORK) != 0 ? "vfork"
                                                             : "";
  return Look::ipc;
}

// fork(2): EAGAIN is what a limit of processes looks like. It is a step like any other, so that a
// program which tries again for ever comes to its limit of steps.
bool is_full(const Run& run) {
  const auto alive =
      std::ranges::count_if(run.processes, [](const Process& process) { return !process.dead; });
  return static_cast<std::uint64_t>(alive) >= run.scenario.limits.processes ||
         run.live.size() + kMaxPeers >= kMaxTasks;
}

void act_fork(Run& run, std::uint32_t task) {
  if (is_full(run)) {
    if (!run.is_full) run.unmanaged(task, "limit of processes: fork answers EAGAIN");
    run.is_full = true;
    run.record(task, -EAGAIN);
    return run.answer(task, -EAGAIN);
  }
  const std::uint64_t flags = clone_flags(run, task);
  kernel_acts(run, task);
  Live& one = run.live[task];
  one.births = 1;
  one.births_actions = run.process_of(task).actions;
  one.birth_step = static_cast<std::uint32_t>(run.trace.steps.size() - 1);
  one.vforking = (flags & CLONE_VFORK) != 0;
  // Nobody else makes a process in his own memory that must not be traced itself
  // (sanitizer_stoptheworld_linux).
  one.births_tracer =
      (flags & (CLONE_UNTRACED | CLONE_VM | CLONE_THREAD)) == (CLONE_UNTRACED | CLONE_VM);
}

// The first thing that libc, Go's runtime or a sanitizer's tracer do in a new thread or a forked
// child: there it waits for its first turn, or it would run beside its parent, and whose lock is
// free would be chance.
Look look_birth(Run& run, std::uint32_t task) {
  Live& one = run.live[task];
  if (!one.newborn) return Look::pass;
  one.pending.offered = true;
  return Look::ipc;
}
void act_birth(Run& run, std::uint32_t task) { run.let_kernel(task); }

Look look_exec(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const bool at = pending.notif.data.nr == SYS_execveat;
  const auto path = read_string(run.process_of(task).pid, pending.address(at ? 1 : 0));
  pending.detail = path ? quoted(shown_path(run, task, *path)) : "";
  pending.flags |= kUnknownResult;
  if (path && !at) {
    const std::string outside = outside_path(run, task, AT_FDCWD, *path);
    if (access(outside.c_str(), F_OK) != 0) {
      pending.expected = -ENOENT;
      pending.flags &= static_cast<std::uint16_t>(~kUnknownResult);
    }
  }
  return Look::ipc;
}

void act_exec(Run& run, std::uint32_t task) {
  run.process_of(task).in_exec = true;
  kernel_acts(run, task);
}

Look look_exit(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const bool thread = pending.notif.data.nr == SYS_exit && run.process_of(task).threads_alive > 1;
  pending.expected = static_cast<std::int64_t>(pending.address(0) & 0xff);
  pending.detail = thread ? "thread" : "";
  return Look::ipc;
}

void act_exit(Run& run, std::uint32_t task) {
  run.live[task].exiting = run.pending_of(task).notif.data.nr == SYS_exit;
  kernel_acts(run, task);
}

// The children that a wait call of this process could take: -1 any, a PID, 0 or -pgid (taken for
// any).
struct Children {
  bool any = false;                  // there are some
  std::uint32_t waitable = kNobody;  // process
  std::vector<std::uint32_t> alive;  // main tasks
};

Children children_for(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  std::int64_t wanted = -1;
  if (pending.notif.data.nr == SYS_wait4) {
    wanted = static_cast<pid_t>(pending.address(0));
  } else if (pending.address(0) == P_PID) {
    wanted = static_cast<pid_t>(pending.address(1));
  }
  Children children;
  const std::uint32_t parent = run.live[task].process;
  for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
    const Process& child = run.processes[i];
    if (child.parent != parent || child.reaped) continue;
    if (wanted > 0 && child.inner != wanted) continue;
    children.any = true;
    if (!child.dead) children.alive.push_back(child.main);
    if (child.dead && children.waitable == kNobody) children.waitable = i;
  }
  return children;
}

Look look_wait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto options = pending.address(pending.notif.data.nr == SYS_wait4 ? 2 : 3);
  pending.nonblocking = (options & WNOHANG) != 0;
  return Look::ipc;
}

bool can_wait(Run& run, std::uint32_t task) {
  if (run.pending_of(task).nonblocking) return true;
  run.refresh_reaped(run.live[task].process);
  const Children children = children_for(run, task);
  if (!children.any || children.waitable != kNobody) return true;
  // A stopped child is waitable too, for those who ask (waitid(2), WUNTRACED).
  const Pending& pending = run.pending_of(task);
  const auto options = pending.address(pending.notif.data.nr == SYS_wait4 ? 2 : 3);
  if ((options & (WUNTRACED | WCONTINUED)) == 0) return false;
  return std::ranges::any_of(children.alive,
                             [&](std::uint32_t child) { return run.live[child].stop_news; });
}

void act_wait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const Children children = children_for(run, task);
  if (children.waitable != kNobody) {
    pending.other = run.processes[children.waitable].main;
  } else if (!children.any) {
    pending.expected = -ECHILD;
  } else if (!pending.nonblocking) {
    const bool stopped = std::ranges::any_of(
        children.alive, [&](std::uint32_t child) { return run.live[child].stop_news; });
    for (const std::uint32_t child : children.alive) run.live[child].stop_news = false;
    pending.expected = stopped ? 0 : -EINTR;
  }
  kernel_acts(run, task);
}

void after_wait(Run& run, std::uint32_t task, Step&) { run.refresh_reaped(run.live[task].process); }

Look look_yield(Run&, std::uint32_t) { return Look::ipc; }
void act_yield(Run& run, std::uint32_t task) {
  run.record(task, 0);
  run.live[task].yielded = true;
  run.answer(task, 0);
}

Look answer_random(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (run.live[task].passes > kMostRandomReads) return Look::pass;
  const std::string bytes = run.random_bytes(task, std::min(pending.address(1), kMostRandom));
  const bool placed = write_memory(run.process_of(task).pid, pending.address(0), bytes.data(),
                                   bytes.size()) == bytes.size();
  run.answer(task, placed ? static_cast<std::int64_t>(bytes.size()) : -EFAULT);
  return Look::answered;
}

// Programs size their thread pools by the machine, not by the one processor that a run is kept on.
Look answer_affinity(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const std::string& mask = run.stage.host_affinity();
  if (mask.empty() || pending.address(1) < mask.size()) return Look::pass;
  const bool placed = write_memory(run.process_of(task).pid, pending.address(2), mask.data(),
                                   mask.size()) == mask.size();
  run.answer(task, placed ? static_cast<std::int64_t>(mask.size()) : -EFAULT);
  return Look::answered;
}

// What is done through a ring never traps.
Look answer_no_ring(Run& run, std::uint32_t task) {
  run.answer(task, -ENOSYS);
  return Look::answered;
}

constexpr CallRow kRows[] = {
    {SYS_clone, Call::fork, look_fork, nullptr, act_fork},
    {SYS_clone3, Call::fork, look_fork, nullptr, act_fork},
    {SYS_set_robust_list, Call::count_, look_birth, nullptr, act_birth},
    {SYS_rseq, Call::count_, look_birth, nullptr, act_birth},
    {SYS_prctl, Call::count_, look_birth, nullptr, act_birth},
    {SYS_sigaltstack, Call::count_, look_birth, nullptr, act_birth},
    {SYS_execve, Call::execve, look_exec, nullptr, act_exec},
    {SYS_execveat, Call::execve, look_exec, nullptr, act_exec},
    {SYS_exit, Call::exit, look_exit, nullptr, act_exit},
    {SYS_exit_group, Call::exit, look_exit, nullptr, act_exit},
    {SYS_wait4, Call::wait, look_wait, can_wait, act_wait, after_wait},
    {SYS_waitid, Call::wait, look_wait, can_wait, act_wait, after_wait},
    {SYS_sched_yield, Call::sched_yield, look_yield, nullptr, act_yield},
    {SYS_getrandom, Call::getrandom, answer_random},
    {SYS_sched_getaffinity, Call::count_, answer_affinity},
    {SYS_io_uring_setup, Call::count_, answer_no_ring},
#ifdef SYS_fork
    {SYS_fork, Call::fork, look_fork, nullptr, act_fork},
    {SYS_vfork, Call::fork, look_fork, nullptr, act_fork},
#endif
};

}  // namespace

std::span<const CallRow> process_rows() { return kRows; }

}  // namespace pipewrench
