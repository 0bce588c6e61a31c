// Policy: who runs next and what is done to his call. The conductor asks; a plan, pct or random
// answers. Must be deterministic: the same questions, the same answers.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/scenario/plan.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

// A task that could go on now.
struct Candidate {
  std::uint32_t task = 0;  // index in Trace::tasks
  std::string_view name;
  std::uint32_t n = 0;  // of the call at which it is parked
  Call call = Call::count_;
  std::uint32_t object = kNoObject;
};

// The call that the chosen task is about to make.
struct CallView {
  Candidate who;
  std::uint64_t asked = 0;                  // bytes of a transfer
  bool nonblocking = false;                 // O_NONBLOCK, IPC_NOWAIT, WNOHANG
  std::uint32_t legal = 0;                  // bit 1 << Deviate: what Linux could do here
  std::span<const int> legal_errors{};      // of Deviate::fail
  std::uint64_t shortest = 0, longest = 0;  // amounts that Deviate::shorten may take here
};

class Policy {
 public:
  virtual ~Policy() = default;
  // `enabled` is never empty, in order of birth; `calm` is the index that the calm rule chooses.
  // Returns an index.
  virtual std::size_t choose(std::span<const Candidate> enabled, std::size_t calm) = 0;
  // What to do to the call; nothing: let it be. A deviation that is not legal here is played all
  // the same: the caller asked for it.
  virtual std::optional<Deviation> deviate(const CallView& call) = 0;
  // Whether a task that has died by a deviation is started again.
  virtual bool restarts(std::string_view task) = 0;
};

// Plays a plan. Deviations of the same task and call are taken in the plan's order.
class PlanPolicy final : public Policy {
 public:
  explicit PlanPolicy(Plan plan) : left_(std::move(plan)) {}
  std::size_t choose(std::span<const Candidate> enabled, std::size_t calm) override;
  std::optional<Deviation> deviate(const CallView& call) override;
  bool restarts(std::string_view task) override;
  const Plan& unused() const { return left_; }

 private:
  Plan left_;
};

}  // namespace pipewrench
