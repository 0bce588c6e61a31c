// Load: scenarios, plans and stored findings from files, with one line for what is wrong.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "harness/cli/arguments.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"

namespace pipewrench {

// A finding's directory, or a plan file and the scenario beside it.
struct LoadedFinding {
  Scenario scenario{};
  Plan plan{};
  std::string kind{}, signature{};  // empty: a plan of which nothing is known yet
  std::uint64_t seed = 1;
  std::string directory{}, path{};  // where the peers were found: to be replayed from anywhere
};

std::expected<std::string, BadInput> read_file(const std::string& path);
// From the file, or from the words after "--". Every peer's program is there.
std::expected<Scenario, BadInput> load_scenario(const Arguments& arguments);
// Every peer of which it speaks is there.
std::expected<Plan, BadInput> load_plan(const std::string& path, const Scenario& scenario);
// Goes to the directory and takes the PATH that the finding was found with, if it still exists.
std::expected<LoadedFinding, BadInput> load_stored(const Arguments& arguments);

inline constexpr std::size_t kMaxFile = 256 << 20;

}  // namespace pipewrench
