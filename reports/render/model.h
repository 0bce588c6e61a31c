// The model that scripts and the page read, as JSON text. ASCII only, whatever peers wrote.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "reports/render/conducted.h"
#include "reports/render/render.h"
#include "reports/store/records.h"

namespace pipewrench {

// How much of each finding is shown; what is left out is said in the data.
struct Bounds {
  std::size_t steps = 2'000;
  std::size_t text_bytes = 64 << 10;
  std::size_t input_bytes = 4 << 10;
};
// Less of each where there are many, so that the whole stays a page that opens soon.
Bounds bounds_for(std::size_t findings);

// {"runs", "samples", "findings"}: each finding without what is in its details.
std::string overview_json(const Records& records, std::span<const FindingRecord* const> findings);
// {"occurrences", "stacks", "artefacts", "timeline"...} of one finding.
std::string details_json(const FindingRecord& finding, const Bounds& bounds);
// {"tasks", "objects", "steps", "arrows", "deviations"...}: README.md describes it.
std::string timeline_json(const Conducted& run, std::size_t most_steps);

}  // namespace pipewrench
