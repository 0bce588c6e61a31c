// Behaviour: what a run did, whatever the order of steps that do not touch each other. Two plans
// with the same behaviour are one for the search. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/scenario/trace.h"

namespace pipewrench {

// Each task's own calls and results, the order of calls on each object, how each task ended and
// what was printed.
std::uint64_t behaviour_of(const Trace& trace);

// The first step that is not the same in both; the smaller number of steps if there is none.
std::size_t first_divergence(const Trace& a, const Trace& b);

}  // namespace pipewrench
