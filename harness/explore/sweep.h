// Sweep: every single deviation of the calm run, then pairs and triples that touch the same object
// or the same tasks, those first that come from runs which behaved in a new way.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_set>
#include <vector>

#include "harness/explore/deviations.h"
#include "harness/explore/strategy.h"

namespace pipewrench {

class Sweep final : public Strategy {
 public:
  explicit Sweep(const Ground& ground);
  std::optional<Request> next() override;
  void learn(const Request& request, const Answer& answer) override;
  // True while single deviations are left: they come before any other strategy.
  bool is_at_singles() const { return !singles_.empty(); }

  static constexpr std::size_t kMaxUnits = 3;           // of a plan
  static constexpr std::size_t kMaxFrontier = 100'000;  // plans not yet tried: 50 MB

 private:
  struct Idea {
    std::shared_ptr<const Plan> base;
    Unit unit;
    Realism realism;  // that the base needs
  };
  // Ideas of one number of units, by how promising they are.
  using Frontier = std::map<std::uint32_t, std::deque<Idea>>;

  void expand(const Answer& answer, const Trace& run);
  std::optional<Idea> pop();
  Request ask(Plan plan, Realism realism) const;

  Ground ground_;
  std::deque<Unit> singles_;
  std::array<Frontier, kMaxUnits + 1> frontiers_;  // by number of units
  std::size_t frontier_size_ = 0;
  std::unordered_set<std::uint64_t> behaviours_;
  std::uint64_t turns_ = 0;
};

}  // namespace pipewrench
