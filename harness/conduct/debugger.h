// Lets a person's debugger stop a peer before one of its calls. A parked task does not stop: it is
// asleep in the kernel, and killable only. So the call is given back while the debugger's SIGSTOP
// is pending; the task stops on its way, and makes the call again when it is let go.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace pipewrench {

// Where it comes in: before the first call of this task whose number is n or more.
struct Debug {
  std::string task;
  std::uint32_t n = 0;
  // Starts it on a process; its PID, or -1. Whoever gives this waits for its end.
  std::function<pid_t(pid_t)> start{};
};

}  // namespace pipewrench
