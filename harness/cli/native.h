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
// behind or has to be told to end, and the first had not. Of what the first run shows, being told
// to end counts only where the planted bug needs no deviation: it may be a server at rest. Never
// takes longer than the budget and a moment.
NativeHunt hunt_natively(const Scenario& scenario, std::chrono::milliseconds budget);

}  // namespace pipewrench
