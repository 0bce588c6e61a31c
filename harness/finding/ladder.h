// Ladder: a run as text, one column a task, time downwards: what a C programmer reads instead of a
// trace. Printable whatever the peers wrote.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/finding/finding.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

struct LadderStyle {
  bool utf8 = false;
  std::size_t width = 100;  // of a line; narrower than two columns it is a list
};

// The steps, in order; gaps are marked, repetitions are counted, deviations stand where they were
// made.
std::string ladder(const Trace& trace, std::span<const std::uint32_t> steps,
                   const LadderStyle& style);
std::string ladder(const Trace& trace, const LadderStyle& style = {});  // all of them

// What a step says in its task's column; printable.
std::string step_text(const Trace& trace, const Step& step);
// The step before which a deviation shows; the number of steps if it left no mark.
std::size_t place_of(const Trace& trace, const Deviation& deviation);

// Those that tell the story: of the victims, of the objects they stumble over, of the plan. At most
// kMostRows.
inline constexpr std::size_t kMostRows = 40;
std::vector<std::uint32_t> relevant_steps(const Finding& finding);

}  // namespace pipewrench
