// Scenarios: any text is one line of complaint or a scenario that is written and read without a
// loss.
// SPDX-License-Identifier: MIT
#include "harness/scenario/parse_scenario.h"
#include "targets/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::round_trip(fuzz::text_of(data, size), pipewrench::parse_scenario,
                   pipewrench::print_scenario);
  return 0;
}
