// Explore: tries plans until the budget ends, and keeps of what the oracles say only what repeats,
// in its smallest form, once for each cause. The same options give the same findings, however many
// workers there are.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "harness/explore/pool.h"
#include "harness/finding/finding.h"

namespace pipewrench {

enum class StrategyKind : std::uint8_t { sweep, pct, random };

struct ExploreOptions {
  std::vector<StrategyKind> strategies = {StrategyKind::sweep, StrategyKind::pct,
                                          StrategyKind::random};
  Realism realism = Realism::linux_;
  std::uint64_t seed = 0;
  // No new plan is tried once so many runs are made or on their way; what the last of them show is
  // still repeated, and made smaller within most_beyond().
  std::uint64_t runs = UINT64_MAX;
};

struct Progress {
  std::uint64_t runs = 0;
  std::uint64_t steps = 0;
  std::uint64_t unmanaged = 0;     // runs that were not wholly under control
  std::uint64_t behaviours = 0;    // different ones seen
  std::uint64_t last_new_run = 0;  // the run that showed the last new one
  std::uint64_t findings = 0, notes = 0, known = 0;
  std::uint64_t harness_errors = 0;
};

// Who looks on; the only one who knows time.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual bool go_on(const Progress& progress) = 0;  // asked after each run
  // Asked before each run that makes a plan smaller: it may take a little longer.
  virtual bool may_shrink(const Progress& progress) { return go_on(progress); }
  virtual void found(const Finding& finding) = 0;  // finding or note, as soon as it is certain
};

struct Exploration {
  Progress progress;
  std::vector<Finding> findings;  // in the order of their finding; Finding::note tells notes apart
  std::vector<std::string> remarks;    // of the program: "not deterministic: ..."; and pct's bound
  std::vector<std::string> unmanaged;  // who was not under control, and in which call
  std::vector<std::string> errors;     // of the harness
};

// Workers for a search. Its runs are cut much sooner than others, or programs that never end or can
// be made to spin would leave time for a handful; the pool's scenario says so.
std::expected<std::unique_ptr<Pool>, std::string> start_search(const Scenario& scenario,
                                                               const ConductorOptions& options,
                                                               unsigned jobs);

Exploration explore(Pool& pool, const ExploreOptions& options, Watcher& watcher);

// Runs above ExploreOptions::runs after which no plan is made smaller.
constexpr std::uint64_t most_beyond(std::uint64_t runs) { return runs / 4 < 64 ? 64 : runs / 4; }

inline constexpr unsigned kWindow =
    32;  // requests on their way: a fixed number, or jobs would matter
inline constexpr unsigned kRepetitions = 3;        // of a suspicious run before it is kept
inline constexpr unsigned kTwiceEvery = 32;        // of so many runs one is made twice and compared
inline constexpr std::uint32_t kLeastSteps = 600;  // by then a spin is plain to see
inline constexpr std::uint32_t kTimesCalm = 8;     // so many times the calm run's calls
inline constexpr std::size_t kMaxFindings = 200;
inline constexpr std::size_t kMaxRemarks = 20;

}  // namespace pipewrench
