// Native: runs a scenario's peers plainly, again and again, as one would by hand: the baseline of
// bench. Must not use the conductor.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "harness/scenario/scenario.h"

namespace pipewrench {

struct NativeHunt {
  bool found = false;
  std::uint64_t runs = 0;
  std::string error{};  // why it cannot be run this way
};

// Repeats the run until one ends otherwise than the first, dies of a signal, leaves something
// behind, or does not end within the budget. What the first run shows counts too.
NativeHunt hunt_natively(const Scenario& scenario, std::chrono::milliseconds budget);

}  // namespace pipewrench
