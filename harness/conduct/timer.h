// Timers on the virtual clock. Plain data.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <ctime>

#include "harness/core/fd.h"

namespace pipewrench {

inline constexpr std::uint64_t kNever = UINT64_MAX;

// Of a process: alarm, setitimer, timer_settime, timerfd_settime.
struct Timer {
  enum class Kind : std::uint8_t { real, posix, descriptor } kind = Kind::real;
  int id = 0;  // of timer_create; number of the timerfd
  std::uint64_t due_ns = kNever;
  std::uint64_t interval_ns = 0;
  int signal = SIGALRM;  // 0: none
  int clock = CLOCK_MONOTONIC;
  pid_t thread = 0;               // SIGEV_THREAD_ID; 0: the process
  std::uint64_t value = 0;        // sigev_value
  Fd duplicate;                   // of the timerfd
  std::uint64_t expirations = 0;  // of the timerfd, that nobody has read
};

}  // namespace pipewrench
