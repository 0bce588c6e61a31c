// SPDX-License-Identifier: MIT
#include "harness/explore/shrink.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace pipewrench {
namespace {

constexpr unsigned kMaxMoves = 12;  // of one deviation

class Shrinker {
 public:
  Shrinker(Plan plan, const StillShows& still_shows)
      : plan_(std::move(plan)), still_shows_(still_shows) {}

  Shrunk shrink() {
    remove_chunks();
    if (simplify()) remove_chunks();
    return {.plan = std::move(plan_), .runs = runs_};
  }

 private:
  // Takes the smaller or simpler plan over if it still shows the same.
  bool accept(const Plan& smaller) {
    if (runs_ >= kMaxShrinkRuns) return false;
    ++runs_;
    auto made = still_shows_(smaller);
    if (!made || made->size() > plan_.size() || *made == plan_) return false;
    plan_ = std::move(*made);
    return true;
  }

  Plan without(std::size_t first, std::size_t count) const {
    Plan rest = plan_;
    const auto from = rest.begin() + static_cast<std::ptrdiff_t>(first);
    rest.erase(from, from + static_cast<std::ptrdiff_t>(std::min(count, rest.size() - first)));
    return rest;
  }

  void remove_chunks() {
    for (std::size_t size = std::max<std::size_t>(plan_.size() / 2, 1);; size = size / 2) {
      bool removed = true;
      while (removed) {
        removed = false;
        // From the end: what comes late is seldom the cause.
        for (std::size_t end = plan_.size(); end > 0;) {
          const std::size_t first = end > size ? end - size : 0;
          if (accept(without(first, end - first))) removed = true;
          end = std::min(first, plan_.size());
        }
      }
      if (size <= 1) return;
    }
  }

  bool replace(std::size_t i, const Deviation& simpler) {
    Plan plan = plan_;
    plan[i] = simpler;
    return accept(plan);
  }

  bool simplify() {
    bool simplified = false;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (plan_[i].kind == Deviate::shorten && plan_[i].amount > 1) {
        Deviation one = plan_[i];
        one.amount = 1;
        simplified |= replace(i, one);
      }
      for (unsigned moves = 0; moves < kMaxMoves && move_earlier(i); ++moves) simplified = true;
    }
    return simplified;
  }

  bool move_earlier(std::size_t i) {
    if (i >= plan_.size()) return false;
    const Deviation now = plan_[i];
    if (now.n < 2 || (now.kind != Deviate::preempt && now.kind != Deviate::kill)) return false;
    std::vector<std::uint32_t> earlier = {1, now.n / 2, now.n - 1};
    earlier.erase(std::ranges::unique(earlier).begin(), earlier.end());
    return std::ranges::any_of(earlier, [&](std::uint32_t n) {
      Deviation moved = now;
      moved.n = n;
      return replace(i, moved);
    });
  }

  Plan plan_;
  const StillShows& still_shows_;
  std::uint32_t runs_ = 0;
};

}  // namespace

Shrunk shrink(Plan plan, const StillShows& still_shows) {
  return Shrinker(std::move(plan), still_shows).shrink();
}

}  // namespace pipewrench
