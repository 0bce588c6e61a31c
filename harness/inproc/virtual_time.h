// Virtual time for one thread: while it lives, the clocks stand still and a wait that nobody can
// end jumps to its time-out at once. So time-outs are tested without waiting, and an input behaves
// the same every time. For code that runs in one thread: a wait without a time-out that nobody can
// end aborts as a hang.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace pipewrench {

class VirtualTime {
 public:
  VirtualTime();
  ~VirtualTime();
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  // Nanoseconds since the object was made.
  static std::int64_t elapsed_ns();
};

}  // namespace pipewrench
