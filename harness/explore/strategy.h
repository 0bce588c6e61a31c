// Strategy: proposes the next run to try and learns from what came of it. Must not depend on time
// or chance other than its seed.
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "harness/explore/message.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

class Strategy {
 public:
  virtual ~Strategy() = default;
  // Nothing: no idea is left for now; what is still to be learnt may bring some.
  virtual std::optional<Request> next() = 0;
  // Of each answer to a request of its own, in the order of the requests.
  virtual void learn(const Request&, const Answer&) {}
};

// What a strategy starts from.
struct Ground {
  const Scenario& scenario;
  const Trace& calm;
  Realism realism = Realism::linux_;
  std::uint64_t seed = 0;
};

std::unique_ptr<Strategy> make_pct(const Ground& ground);
std::unique_ptr<Strategy> make_random(const Ground& ground);

// "finds a bug of depth 2 with probability >= 1/120 a run (2 tasks, 60 calls)".
std::string pct_bound(const Trace& calm);

}  // namespace pipewrench
