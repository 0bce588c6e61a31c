// Shrink: the smallest plan that still shows the same. Pure but for the runs that it asks for.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "harness/scenario/plan.h"

namespace pipewrench {

// Runs the plan; the deviations that came to pass if it still shows the same, nothing if not.
using StillShows = std::function<std::optional<Plan>(const Plan&)>;

struct Shrunk {
  Plan plan;
  std::uint32_t runs = 0;
};

// Removing any one deviation of the result loses what it shows (delta debugging: Zeller,
// Hildebrandt, 2002); then amounts become 1 and deviations move to earlier calls where that shows
// it too.
Shrunk shrink(Plan plan, const StillShows& still_shows);

inline constexpr std::uint32_t kMaxShrinkRuns = 2'000;

}  // namespace pipewrench
