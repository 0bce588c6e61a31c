// What /proc tells of a task. Each read costs some 10 us: only where nothing else knows.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/fd.h"

namespace pipewrench {

struct TaskStatus {
  pid_t tgid = 0, parent = 0;
  pid_t inner = 0;  // PID or TID in the innermost PID namespace
  // Signal sets, bit 0 is signal 1: proc(5) SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt.
  std::uint64_t own_pending = 0, shared_pending = 0, blocked = 0, ignored = 0, caught = 0;
  std::uint32_t threads = 1;
  std::uint64_t deliverable() const { return (own_pending | shared_pending) & ~blocked & ~ignored; }
};
std::optional<TaskStatus> task_status(pid_t tid);

struct TaskStat {
  char state = '?';             // R S D T t Z X
  std::uint64_t cpu_ticks = 0;  // user and system, of USER_HZ
  int exit_status = 0;          // wait(2)'s, of a zombie
  bool exiting = false;         // PF_EXITING: on its way to be one
};
// Keeps the file open in `kept`, if that is given: another look costs a third of the first.
std::optional<TaskStat> task_stat(pid_t tid, Fd* kept = nullptr);

// What a process has in memory, in bytes; exactly: pages that it shares count in part.
std::uint64_t memory_of(pid_t pid, bool exactly);

// The number of the call in which the task sleeps, from /proc/TID/syscall; -1: none or unknown.
long sleeping_call(pid_t tid);
std::vector<pid_t> children_of(pid_t pid);
std::vector<pid_t> threads_of(pid_t pid);
// Address of the vDSO; 0: none.
std::uint64_t auxiliary_of(pid_t pid, std::uint64_t type);  // getauxval(3): 0 if there is none

}  // namespace pipewrench
