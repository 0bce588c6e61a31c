// SPDX-License-Identifier: MIT
#include "harness/explore/policies.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "harness/explore/deviations.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kFaultOdds = 32;  // one call in so many is not left alone
constexpr std::uint64_t kKillOdds = 8;    // one of those is a kill or a signal

std::uint64_t random_amount(const CallView& call, std::uint64_t amount, Prng& prng) {
  const std::uint64_t low = std::max<std::uint64_t>(call.shortest, 1);
  if (call.longest < low) return amount;
  return low + prng.below(call.longest - low + 1);
}

std::optional<Deviation> random_deviation(const CallView& call, const Chances& chances,
                                          Prng& prng) {
  if (prng.one_in(kKillOdds)) {
    constexpr Deviate kEnds[] = {Deviate::kill, Deviate::kill_after, Deviate::signal};
    const Deviate kind = kEnds[prng.below(has(call.legal, Deviate::signal) ? 3 : 2)];
    return Deviation{.kind = kind,
                     .task = std::string(call.who.name),
                     .n = call.who.n,
                     .number = kind == Deviate::signal ? chances.end_signal : 0};
  }
  std::vector<Deviation> faults;
  for (const Realism level : kLevels)
    if (level <= chances.level)
      std::ranges::move(faults_at(site_of(call), level), std::back_inserter(faults));
  if (faults.empty()) return {};
  Deviation fault = std::move(faults[prng.below(faults.size())]);
  if (fault.kind == Deviate::shorten) fault.amount = random_amount(call, fault.amount, prng);
  return fault;
}

}  // namespace

std::optional<Deviation> LegalPolicy::deviate(const CallView& call) {
  std::optional<Deviation> deviation = inner_.deviate(call);
  if (!deviation) return {};
  const bool may_shorten = has(call.legal, Deviate::shorten) && call.shortest <= call.longest;
  if (deviation->kind == Deviate::shorten && level_ == Realism::linux_ && may_shorten)
    deviation->amount = std::clamp(deviation->amount, call.shortest, call.longest);
  const Realism level = level_of(*deviation, call);
  if (level > level_) return {};
  needed_ = std::max(needed_, level);
  return deviation;
}

PctPolicy::PctPolicy(const Chances& chances, std::uint32_t depth, std::uint32_t length)
    : chances_(chances), prng_(chances.seed), lowest_(depth) {
  faults_ = prng_.one_in(2);
  for (std::uint32_t i = 1; i < depth; ++i)
    change_points_.insert(static_cast<std::uint32_t>(prng_.below(std::max(length, 1U))));
}

std::uint64_t PctPolicy::priority_of(std::string_view task) {
  const auto found = priorities_.find(task);
  if (found != priorities_.end()) return found->second;
  // Above all that change points give.
  const std::uint64_t priority = (prng_.next() >> 1) + chances_.seed % 2 + lowest_ + 1;
  return priorities_.emplace(std::string(task), priority).first->second;
}

bool Settled::is_settled(const Candidate& calm) const {
  const auto found = calls_.find(calm.name);
  return found != calls_.end() && found->second == calm.n;
}

void Settled::settle(const Candidate& calm) { calls_[std::string(calm.name)] = calm.n; }

std::size_t PctPolicy::choose(std::span<const Candidate> enabled, std::size_t calm) {
  if (settled_.is_settled(enabled[calm])) return calm;
  std::size_t best = 0;
  for (std::size_t i = 1; i < enabled.size(); ++i)
    if (priority_of(enabled[i].name) > priority_of(enabled[best].name)) best = i;
  if (best == calm) settled_.settle(enabled[calm]);
  return best;
}

std::optional<Deviation> PctPolicy::deviate(const CallView& call) {
  if (!change_points_.contains(calls_++)) return {};
  if (faults_) return random_deviation(call, chances_, prng_);
  priority_of(call.who.name);
  priorities_.find(call.who.name)->second = --lowest_;
  return {};
}

bool PctPolicy::restarts(std::string_view) { return prng_.one_in(2); }

std::size_t RandomPolicy::choose(std::span<const Candidate> enabled, std::size_t calm) {
  if (settled_.is_settled(enabled[calm])) return calm;
  const std::size_t chosen = prng_.below(enabled.size());
  if (chosen == calm) settled_.settle(enabled[calm]);
  return chosen;
}

std::optional<Deviation> RandomPolicy::deviate(const CallView& call) {
  if (!prng_.one_in(kFaultOdds)) return {};
  return random_deviation(call, chances_, prng_);
}

bool RandomPolicy::restarts(std::string_view) { return prng_.one_in(2); }

}  // namespace pipewrench
