// Suspicion: from one odd run to a finding that repeats, with its smallest plan. Used by explore
// and shrink.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/explore/message.h"
#include "harness/explore/pool.h"
#include "harness/finding/finding.h"

namespace pipewrench {

// What makes two verdicts the same; a note and a finding never are.
std::string key_of(const Verdict& verdict);
// 12 hex digits.
std::string id_of(const Scenario& scenario, const Verdict& verdict);

struct Suspicion {
  Verdict verdict;
  Plan plan;                          // that led to it
  Realism realism = Realism::linux_;  // beyond which it is not played
};

// Answers one request; counts it.
using Ask = std::function<Answer(const Request&)>;

using MayShrink = std::function<bool()>;

// Repeats it `repetitions` times; unless all show the same it is unstable. Then shrinks it, for as
// long as `may_shrink` says so, and looks for a plan of a lower level of realism that shows it.
Finding investigate(
    const Scenario& scenario, const Suspicion& suspicion, unsigned repetitions, const Ask& ask,
    const MayShrink& may_shrink = [] { return true; });

}  // namespace pipewrench
