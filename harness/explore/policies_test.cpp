// SPDX-License-Identifier: MIT
#include "harness/explore/policies.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "harness/explore/behaviour.h"
#include "harness/explore/test_toy.h"

namespace pipewrench {
namespace {

Trace run(Policy& policy) {
  const Toy toy;
  return ToyRunner(toy).run({}, policy);
}

TEST(Policies, TheSameSeedIsTheSameRun) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PctPolicy pct({.seed = seed}, 3, 16), pct_again({.seed = seed}, 3, 16);
    EXPECT_EQ(run(pct).plan, run(pct_again).plan);
    RandomPolicy random({.seed = seed}), random_again({.seed = seed});
    EXPECT_EQ(run(random).plan, run(random_again).plan);
  }
}

TEST(Policies, SeedsMakeManyBehaviours) {
  std::set<std::uint64_t> pct_seen, random_seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    PctPolicy pct({.seed = seed}, 3, 16);
    pct_seen.insert(behaviour_of(run(pct)));
    RandomPolicy random({.seed = seed});
    random_seen.insert(behaviour_of(run(random)));
  }
  EXPECT_GT(pct_seen.size(), 30U);
  EXPECT_GT(random_seen.size(), 90U);
}

TEST(Policies, ThePlanOfARandomRunReplaysIt) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomPolicy random({.seed = seed, .end_signal = SIGTERM});
    const Trace first = run(random);
    PlanPolicy plan(first.plan);
    const Trace again = run(plan);
    EXPECT_EQ(behaviour_of(first), behaviour_of(again)) << print(first.plan);
    EXPECT_TRUE(plan.unused().empty());
  }
}

TEST(Policies, LegalLeavesOutWhatLinuxDoesNotDo) {
  const Plan plan = {{.kind = Deviate::shorten, .task = "a", .n = 2, .call = "write", .amount = 1},
                     {.kind = Deviate::fail, .task = "b", .n = 1, .call = "read", .number = EIO}};
  PlanPolicy strict(plan), free(plan);
  LegalPolicy linux_only(strict, Realism::linux_), anything(free, Realism::hostile);
  const Plan made = run(linux_only).plan;
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].amount, 10U);  // the toy's kernel moves no less
  EXPECT_EQ(linux_only.needed(), Realism::linux_);
  EXPECT_EQ(run(anything).plan, plan);
  EXPECT_EQ(anything.needed(), Realism::posix);
}

}  // namespace
}  // namespace pipewrench
