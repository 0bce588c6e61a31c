// Gives a deadline to blocking calls that have none of their own (msgsnd, msgrcv, flock): while it
// lives, a timer signals this thread at the deadline and then every kRepeat_ms, so that the call
// fails with EINTR even if the first signal came just before the call slept. Must not be held
// longer than the call.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <ctime>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"

namespace ipc {

class Alarm {
 public:
  // Takes the real-time signal SIGRTMAX-2 for the process, with an empty handler without SA_RESTART
  // (signal(7)). Errors: exists, when the program has a handler for it; no_space, when
  // RLIMIT_SIGPENDING is reached. A deadline of never() arms nothing. The caller checks
  // Deadline::expired() after EINTR.
  static Result<Alarm> arm(Deadline deadline);

  Alarm(Alarm&& other) noexcept;
  Alarm& operator=(Alarm&&) = delete;
  Alarm(const Alarm&) = delete;
  ~Alarm();

 private:
  static constexpr long kRepeat_ms = 5;

  Alarm() = default;

  bool is_armed_ = false;
  timer_t timer_{};
  sigset_t mask_before_{};
};

}  // namespace ipc
