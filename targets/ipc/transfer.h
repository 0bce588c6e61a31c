// The library's one idiom for a call that may have to wait. Internal to targets/ipc: users see io,
// pipe and socket. Must not make a call of its own but poll(), through wait_ready().
// SPDX-License-Identifier: MIT
#pragma once

#include <cerrno>
#include <cstddef>
#include <utility>

#include "targets/ipc/io.h"

namespace ipc {

// Calls attempt() until it returns 0 or more. EAGAIN: waits for `events` on fd, until the deadline.
// EINTR: as the policy says. Any other errno is the failure of `call`. On a foreign descriptor it
// waits before the first attempt.
template <class Attempt>
Result<std::size_t> transfer(const char* call, int fd, std::size_t size, short events,
                             const Deadline& deadline, const IoPolicy& policy, Attempt attempt) {
  bool must_wait = policy.access == Access::foreign;
  while (true) {
    if (must_wait)
      if (Result<> ready = wait_ready(fd, events, deadline, policy.on_signal); !ready)
        return std::unexpected(std::move(ready.error()));
    const auto count = attempt();
    if (count >= 0) return static_cast<std::size_t>(count);
    const bool goes_on = errno == EAGAIN || (errno == EINTR && policy.on_signal == OnSignal::retry);
    if (!goes_on) return fail(call, {{{"fd", fd}, {"size", static_cast<long>(size)}}});
    if (errno == EAGAIN && deadline.is_now()) return expired(deadline, call, fd);
    must_wait = must_wait || errno == EAGAIN;
  }
}

}  // namespace ipc
