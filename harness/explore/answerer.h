// Answerer: runs what a request asks for and judges it beside its own calm run. Lives in a worker.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "harness/explore/message.h"
#include "harness/explore/runner.h"

namespace pipewrench {

class Answerer {
 public:
  Answerer(const Recipe& recipe, std::unique_ptr<Runner> runner)
      : recipe_(recipe), runner_(std::move(runner)) {}
  Answer answer(const Request& request);

 private:
  Answer run(const Request& request, Policy& chooser);
  void take_back(const Plan& made, Realism realism, std::vector<Verdict>& verdicts);

  const Recipe& recipe_;
  std::unique_ptr<Runner> runner_;
  std::optional<Trace> calm_;
};

}  // namespace pipewrench
