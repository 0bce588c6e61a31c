// JSON of the command line's results: one object, one line. Documented in README.md.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/explore/explore.h"
#include "harness/explore/message.h"
#include "harness/finding/finding.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

// The command that replays a finding.
using ReplayOf = std::function<std::string(const Finding&)>;

// What came of the same plan, so many times.
struct Replays {
  std::uint32_t times = 0, same = 0, same_trace = 0;
};

std::string run_json(const Scenario& scenario, const Trace& trace, const Answer& answer,
                     const Replays* replays = nullptr);
std::string explore_json(const Exploration& exploration, double seconds, const ReplayOf& replay_of);
// Events of a running exploration.
std::string start_json(const Scenario& scenario, std::uint64_t seed);
std::string found_json(const Finding& finding, const ReplayOf& replay_of);

}  // namespace pipewrench
