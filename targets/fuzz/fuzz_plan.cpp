// Plans: any text is one line of complaint or a plan that is written and read without a loss.
// SPDX-License-Identifier: MIT
#include "harness/scenario/plan.h"
#include "targets/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::round_trip(fuzz::text_of(data, size), pipewrench::parse_plan,
                   [](const pipewrench::Plan& plan) { return pipewrench::print(plan); });
  return 0;
}
