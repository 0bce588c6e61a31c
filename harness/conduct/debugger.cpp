// SPDX-License-Identifier: MIT
#include "harness/conduct/debugger.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "harness/conduct/schedule.h"

namespace pipewrench {
namespace {

constexpr int kLook_ms = 5;  // between two looks whether the debugger has asked for the stop

}  // namespace

bool Scheduler::meets_debugger(std::uint32_t task) {
  if (!debug.start || run.trace.tasks[task].name != debug.task) return false;
  if (run.live[task].pending.n < debug.n) return false;
  Process& process = run.process_of(task);
  const pid_t debugger = std::exchange(debug.start, nullptr)(process.pid);
  const Fd end(static_cast<int>(syscall(SYS_pidfd_open, debugger, 0)));
  if (debugger < 0 || !end) return false;
  process.debugged = true;
  pollfd over{end.get(), POLLIN, 0};
  while (run.live[task].state == State::parked && poll(&over, 1, kLook_ms) == 0)
    give_back_to_tracer();
  return run.live[task].state != State::parked;
}

}  // namespace pipewrench
