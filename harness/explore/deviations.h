// Deviations: what could be done differently at each step of a run, and at which level of realism.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/conduct/policy.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"
#include "harness/syscalls/table.h"

namespace pipewrench {

// A call of which the choice is asked: a CallView while it runs, a Step afterwards.
struct Site {
  std::string task;
  std::uint32_t n = 0;
  Call call = Call::count_;
  std::uint64_t asked = 0;
  bool nonblocking = false;
  std::uint32_t legal = 0;
  std::span<const int> legal_errors{};
};
Site site_of(const CallView& call);
Site site_of(const Trace& trace, const Step& step);

constexpr bool has(std::uint32_t legal, Deviate kind) {
  return (legal >> static_cast<unsigned>(kind) & 1U) != 0;
}

// Faults of the call: short transfers, errors, time-outs, objects that vanish or are full. No
// kills, no signals. Those that are to be played at `level` and are not at a lower one.
std::vector<Deviation> faults_at(const Site& site, Realism level);

// The step of the call that the deviation names; null: there was none.
const Step* step_of(const Trace& run, const Deviation& deviation);

inline constexpr std::array kLevels = {Realism::linux_, Realism::posix, Realism::hostile};

// The lowest level at which this may be done to this call.
Realism level_of(const Deviation& deviation, const CallView& call);

// True if a right program must not be impressed: schedule, short transfers, EINTR, wake order.
bool is_transparent(const Deviation& deviation);

// One thing to try: a deviation, or a kill and the restart that belongs to it.
struct Unit {
  Plan plan;
  std::uint32_t rank =
      0;  // how many times the same was possible before, from the nearer end of the run
  bool transparent = false;
  // At which it is to be played. The same words mean less at linux_: amounts that the kernel moves.
  Realism realism = Realism::linux_;
};

// Everything that could be done differently in `trace` from step `first` on: first what Linux does,
// in order of `rank`.
std::vector<Unit> units_of(const Trace& trace, std::size_t first, const Scenario& scenario,
                           Realism level);

}  // namespace pipewrench
