// Which signals are pending for whom. Reading /proc/TID/status costs twice a whole notification,
// so it is read only while a signal may be pending: after one was sent or a child has died.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "harness/conduct/run.h"

namespace pipewrench {

// Signals may be pending for the process from now on.
void hint_signal(Process& process);
// Pending sets and masks of a parked task; all zero while nothing can be pending.
const TaskStatus& signals_of(Run& run, std::uint32_t task);
// Signals that the kernel would handle now, and of which it has told this very thread: only then
// may a call be answered with a restart code (a thread without the flag would see the code itself).
bool has_deliverable(Run& run, std::uint32_t task);
// A fatal signal kills a parked task at once, for complete_signal() turns it into SIGKILL for each
// thread; but not one that has been told of a signal since it last ran: that dies when it runs.
bool is_dying(pid_t pid);
// The lowest deliverable signal; 0: none.
int first_deliverable(Run& run, std::uint32_t task);

}  // namespace pipewrench
