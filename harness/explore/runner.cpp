// SPDX-License-Identifier: MIT
#include "harness/explore/runner.h"

#include <utility>

namespace pipewrench {
namespace {

class ConductorRunner final : public Runner {
 public:
  explicit ConductorRunner(Conductor conductor) : conductor_(std::move(conductor)) {}
  Trace run(const Scenario& scenario, Policy& policy) override {
    return conductor_.run(scenario, policy);
  }

 private:
  Conductor conductor_;
};

std::expected<std::unique_ptr<Runner>, std::string> start_conductor(
    const ConductorOptions& options) {
  auto conductor = Conductor::start(options);
  if (!conductor) return std::unexpected(conductor.error());
  return std::make_unique<ConductorRunner>(std::move(*conductor));
}

}  // namespace

Recipe real_recipe(Scenario scenario, const ConductorOptions& options) {
  return {.scenario = std::move(scenario),
          .start = start_conductor,
          .judge = judge,
          .options = options};
}

}  // namespace pipewrench
