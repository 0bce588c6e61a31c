// SPDX-License-Identifier: MIT
#include "harness/conduct/policy.h"

#include <algorithm>

#include "harness/syscalls/table.h"

namespace pipewrench {

std::size_t PlanPolicy::choose(std::span<const Candidate> enabled, std::size_t calm) {
  const Candidate& expected = enabled[calm];
  const auto found = std::ranges::find_if(left_, [&](const Deviation& deviation) {
    return deviation.kind == Deviate::preempt && deviation.n == expected.n &&
           deviation.task == expected.name;
  });
  if (found == left_.end()) return calm;
  const auto other = std::ranges::find(enabled, found->other, &Candidate::name);
  if (other == enabled.end()) return calm;  // it cannot run now; perhaps at the next question
  left_.erase(found);
  return static_cast<std::size_t>(other - enabled.begin());
}

std::optional<Deviation> PlanPolicy::deviate(const CallView& call) {
  const auto found = std::ranges::find_if(left_, [&](const Deviation& deviation) {
    return deviation.kind != Deviate::preempt && deviation.kind != Deviate::restart &&
           deviation.n == call.who.n && deviation.task == call.who.name &&
           (deviation.call.empty() || deviation.call == row(call.who.call).name);
  });
  if (found == left_.end()) return {};
  Deviation deviation = *found;
  left_.erase(found);
  return deviation;
}

bool PlanPolicy::restarts(std::string_view task) {
  const auto found = std::ranges::find_if(left_, [&](const Deviation& deviation) {
    return deviation.kind == Deviate::restart && deviation.task == task;
  });
  if (found == left_.end()) return false;
  left_.erase(found);
  return true;
}

}  // namespace pipewrench
