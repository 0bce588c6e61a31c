// SPDX-License-Identifier: MIT
#include "harness/explore/shrink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace pipewrench {
namespace {

Deviation preempt(std::uint32_t n) {
  return {.kind = Deviate::preempt, .task = "a", .n = n, .other = "b"};
}
Deviation kill(std::uint32_t n) { return {.kind = Deviate::kill, .task = "a", .n = n}; }

bool contains(const Plan& plan, const Deviation& deviation) {
  return std::ranges::find(plan, deviation) != plan.end();
}

TEST(Shrink, KeepsOnlyWhatIsNeeded) {
  Plan plan;
  for (std::uint32_t n = 1; n <= 100; ++n) plan.push_back(preempt(n));
  const Shrunk shrunk = shrink(plan, [](const Plan& tried) -> std::optional<Plan> {
    if (!contains(tried, preempt(17)) || !contains(tried, preempt(60))) return {};
    return tried;
  });
  EXPECT_EQ(shrunk.plan, (Plan{preempt(17), preempt(60)}));
  EXPECT_LT(shrunk.runs, 200U);
}

TEST(Shrink, TakesWhatCameToPass) {
  const Shrunk shrunk = shrink({kill(1), kill(2), kill(3)}, [](const Plan& tried) {
    return contains(tried, kill(1)) ? std::optional(Plan{kill(1)}) : std::nullopt;
  });
  EXPECT_EQ(shrunk.plan, Plan{kill(1)});
}

TEST(Shrink, MovesToEarlierCallsAndSmallerAmounts) {
  Deviation shorter{.kind = Deviate::shorten, .task = "a", .n = 9, .call = "write", .amount = 50};
  const Shrunk shrunk = shrink({preempt(40), shorter}, [](const Plan& tried) {
    const bool shows = tried.size() == 2 && tried[0].n >= 5;
    return shows ? std::optional(tried) : std::nullopt;
  });
  shorter.amount = 1;
  EXPECT_EQ(shrunk.plan, (Plan{preempt(5), shorter}));
}

TEST(Shrink, EndsWhenNothingShowsItAgain) {
  const Plan plan(50, kill(3));
  const Shrunk shrunk = shrink(plan, [](const Plan&) { return std::optional<Plan>(); });
  EXPECT_EQ(shrunk.plan, plan);
  EXPECT_LE(shrunk.runs, kMaxShrinkRuns);
}

}  // namespace
}  // namespace pipewrench
