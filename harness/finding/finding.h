// Finding: what was found, its smallest plan and its story. Plain data, shared with reports/.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

struct Finding {
  std::string id;  // 12 hex digits of the hash of scenario name and signature
  std::string kind;
  std::string signature;
  std::vector<std::string> peers;
  Plan plan;                          // locally minimal if is_smallest
  Realism realism = Realism::linux_;  // the lowest level that shows it
  std::string explanation;
  bool note = false;
  bool unstable = false;       // it did not repeat
  bool is_smallest = true;     // false: the search ended before the plan was
  std::uint32_t repeated = 0;  // of kept repetitions
  std::uint32_t step = 0;      // in trace
  std::uint64_t runs = 0;      // before it was found
  Trace trace;
};

}  // namespace pipewrench
