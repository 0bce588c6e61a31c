// One wait for several descriptors and a deadline, so that a peer never has to choose what to sleep
// on: input, signals (signal.h) and a peer's end (handshake.h) are all descriptors.
// Must not read or write.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <cstddef>
#include <initializer_list>
#include <span>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"

namespace ipc {

constexpr std::size_t kMostWaited = 64;

// Waits until at least one entry is ready and returns how many are; see `revents` of each. An entry
// with a negative fd is skipped (poll(2)). POLLHUP and POLLERR are reported without being asked
// for. EINTR is retried with the time that is left: who waits for signals waits for a signalfd.
// Errors: would_block, timed_out; bad_argument where a descriptor is not open (argument `fd`), or
// for more than kMostWaited entries; no_space (ENOMEM).
Result<std::size_t> wait_any(std::span<pollfd> entries, Deadline deadline);

// The same for readers: the index of the first descriptor that has input or has ended.
Result<std::size_t> wait_readable(std::initializer_list<int> fds, Deadline deadline);

}  // namespace ipc
