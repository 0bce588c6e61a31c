// Who a process is, so that a recorded PID is never mistaken for the process that got the number
// later. Must not signal anything: kill() is called with signal 0 only, never with a PID below 1.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "targets/ipc/error.h"

namespace ipc {

// Plain data: it can be stored in shared memory, a message or a file, and be compared there.
struct ProcessId {
  pid_t pid = 0;
  // Field 22 of /proc/PID/stat (proc(5)): clock ticks (1/100 s) from boot to the process's start;
  // never 0 for a process that a user started. A PID can be given out again only after all others
  // were, so pid and ticks name one process.
  std::uint64_t start_ticks = 0;

  bool operator==(const ProcessId&) const = default;
};

// The calling process. Reads /proc: call it once and keep the value, but not across fork().
// Errors: Kind::no_space (descriptors), Kind::not_found (no /proc here), Kind::corrupt.
Result<ProcessId> self();

// The process that has this PID now. Kind::bad_argument for pid < 1, Kind::peer_gone where there is
// none. A zombie is still named: it has a PID.
Result<ProcessId> identify(pid_t pid);

// The effective user that the process has now. Errors as identify().
Result<uid_t> effective_uid(pid_t pid);

// True while that very process can still run. False for: pid < 1, no such process, another start
// time (the PID was given out again), a zombie (it will never release what it holds). EPERM counts
// as alive: it exists. Where the start time cannot be read (no descriptor left, /proc hidden) a
// process that exists counts as alive: taking a lock from the living is worse than waiting for the
// dead.
bool is_alive(ProcessId id);

}  // namespace ipc
