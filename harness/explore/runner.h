// Runner: the seam to the peers. The real one is a Conductor; tests run a toy in memory.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/conduct/conductor.h"
#include "harness/conduct/policy.h"
#include "harness/oracle/oracle.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

class Runner {
 public:
  virtual ~Runner() = default;
  virtual Trace run(const Scenario& scenario, Policy& policy) = 0;
};

// Everything that a worker needs to know before it starts.
struct Recipe {
  Scenario scenario;
  // Called in the worker. Fails with what this machine lacks and its remedy.
  std::function<std::expected<std::unique_ptr<Runner>, std::string>(const ConductorOptions&)> start;
  std::function<std::vector<Verdict>(const Case&)> judge;
  ConductorOptions options;  // cpu is the worker's own
};

// Conductor and all oracles.
Recipe real_recipe(Scenario scenario, const ConductorOptions& options);

}  // namespace pipewrench
