// The calls that the dynamic loader makes to find and read libraries: none of a peer's business.
// They are known by the address they come from, so that the filter can let them pass untrapped.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace pipewrench {

struct LoaderCall {
  int number = 0;
  std::uint64_t address = 0;  // of the instruction that follows
  std::uint32_t third = 0;    // lower half of the third argument: flags, or a size
  bool operator==(const LoaderCall&) const = default;
};

// What the loader of this process does without address randomisation, watched in a child that is
// killed before its program begins. Empty where that cannot be seen: then all its calls trap.
std::vector<LoaderCall> watch_loader();

}  // namespace pipewrench
