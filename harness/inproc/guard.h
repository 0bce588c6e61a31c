// Guards one input's independence: it must leave no descriptor, System V object or child behind and
// must not read the real clock. Declare it first in LLVMFuzzerTestOneInput. Its end aborts with how
// to fix what was left.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace pipewrench {

class Guard {
 public:
  Guard();
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Descriptors 0 .. kWatchedFds-1 are watched: a new one takes the lowest free number (open(2)).
  static constexpr int kWatchedFds = 32;

 private:
  std::uint64_t fds_before_;
  bool children_before_;
};

}  // namespace pipewrench
