// The EINTR policy of a waiting operation, the same for every transport.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace ipc {

// What a signal handler that ran during the wait means.
enum class OnSignal : std::uint8_t {
  retry,   // nothing: wait on, until the deadline
  report,  // the operation ends with Kind::interrupted
};

}  // namespace ipc
