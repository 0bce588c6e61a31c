// SPDX-License-Identifier: MIT
#include "harness/explore/explore.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "harness/explore/suspicion.h"
#include "harness/explore/test_toy.h"

namespace pipewrench {
namespace {

class Bystander final : public Watcher {
 public:
  bool go_on(const Progress&) override { return true; }
  void found(const Finding&) override {}
};

Exploration explore_toy(const Toy& toy, const ExploreOptions& options, unsigned jobs = 1) {
  auto pool = Pool::start(toy_recipe(toy), jobs);
  EXPECT_TRUE(pool.has_value());
  Bystander bystander;
  return explore(**pool, options, bystander);
}

std::vector<std::string> plans_of(const Exploration& exploration) {
  std::vector<std::string> plans;
  for (const Finding& finding : exploration.findings) plans.push_back(print(finding.plan));
  return plans;
}

// Each needs that many deviations and no fewer.
Toy toy_with_bug(int deviations) {
  Toy toy;
  toy.crashes = [deviations](const Trace& trace) {
    if (!is_before(trace, 1, 2, 0, 3)) return false;
    if (deviations >= 2 && !is_short(trace, 0, 5)) return false;
    return deviations < 3 || is_before(trace, 0, 6, 1, 4);
  };
  return toy;
}

TEST(Explore, SweepFindsABugOfOneDeviation) {
  const Exploration found =
      explore_toy(toy_with_bug(1), {.strategies = {StrategyKind::sweep}, .runs = 200});
  EXPECT_EQ(plans_of(found), std::vector<std::string>{"before a#1 run b\n"});
  ASSERT_EQ(found.findings.size(), 1U);
  EXPECT_EQ(found.findings[0].kind, "crash");
  EXPECT_EQ(found.findings[0].repeated, kRepetitions);
  EXPECT_EQ(found.findings[0].realism, Realism::linux_);
  EXPECT_FALSE(found.findings[0].note);
  EXPECT_EQ(found.findings[0].id.size(), 12U);
  EXPECT_FALSE(found.findings[0].trace.steps.empty());
  EXPECT_TRUE(found.remarks.empty());
  EXPECT_TRUE(found.errors.empty());
}

TEST(Explore, SweepFindsABugOfTwoDeviations) {
  const Exploration found =
      explore_toy(toy_with_bug(2), {.strategies = {StrategyKind::sweep}, .runs = 3'000});
  // 10 bytes are the fewest that the toy's kernel moves.
  EXPECT_EQ(plans_of(found), std::vector<std::string>{"before a#1 run b\na#5 write short 10\n"});
}

TEST(Explore, SweepFindsABugOfThreeDeviations) {
  const Exploration found =
      explore_toy(toy_with_bug(3), {.strategies = {StrategyKind::sweep}, .runs = 30'000});
  ASSERT_EQ(found.findings.size(), 1U);
  EXPECT_EQ(found.findings[0].plan.size(), 3U);
}

// What any level finds is told at the lowest that shows it.
TEST(Explore, AFindingIsOfTheLowestLevelThatShowsIt) {
  Toy any_amount, one_byte;
  any_amount.crashes = [](const Trace& trace) { return is_short(trace, 0, 5); };
  one_byte.crashes = [](const Trace& trace) {
    return is_short(trace, 0, 5) && trace.steps[place_of(trace, 0, 5)].result == 1;
  };
  for (const StrategyKind kind : {StrategyKind::sweep, StrategyKind::pct, StrategyKind::random}) {
    const ExploreOptions options{
        .strategies = {kind}, .realism = Realism::posix, .seed = 7, .runs = 3'000};
    const Exploration legal = explore_toy(any_amount, options);
    EXPECT_EQ(plans_of(legal), std::vector<std::string>{"a#5 write short 10\n"});
    ASSERT_EQ(legal.findings.size(), 1U);
    EXPECT_EQ(legal.findings[0].realism, Realism::linux_);
  }
  const Exploration beyond = explore_toy(
      one_byte, {.strategies = {StrategyKind::sweep}, .realism = Realism::posix, .runs = 3'000});
  EXPECT_EQ(plans_of(beyond), std::vector<std::string>{"a#5 write short 1\n"});
  ASSERT_EQ(beyond.findings.size(), 1U);
  EXPECT_EQ(beyond.findings[0].realism, Realism::posix);
}

// As `shrink` does with a plan that somebody has written.
TEST(Explore, AFaultBeyondLinuxGivesWayToOneThatLinuxMakesThere) {
  Toy toy;
  toy.crashes = [](const Trace& trace) {
    const std::size_t place = place_of(trace, 1, 3);
    return place < trace.steps.size() && trace.steps[place].result < 0;
  };
  auto pool = Pool::start(toy_recipe(toy), 1);
  ASSERT_TRUE(pool.has_value());
  const Plan plan = {{.kind = Deviate::fail, .task = "b", .n = 3, .call = "read", .number = EIO}};
  const Answer first = (*pool)->run({.plan = plan});
  EXPECT_EQ(first.realism, Realism::posix);
  ASSERT_EQ(first.verdicts.size(), 1U);
  const Finding finding =
      investigate((*pool)->scenario(), {first.verdicts[0], first.made, first.realism}, 2,
                  [&](const Request& request) { return (*pool)->run(request); });
  EXPECT_EQ(print(finding.plan), "b#3 read fail EINTR\n");
  EXPECT_EQ(finding.realism, Realism::linux_);
  EXPECT_FALSE(finding.unstable);
}

TEST(Explore, ChanceFindsItTooAndShrinksToTheSamePlan) {
  for (const StrategyKind kind : {StrategyKind::pct, StrategyKind::random}) {
    const Exploration found =
        explore_toy(toy_with_bug(2), {.strategies = {kind}, .seed = 7, .runs = 6'000});
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_EQ(found.findings[0].plan.size(), 2U);
  }
}

TEST(Explore, JobsDoNotChangeWhatIsFound) {
  const ExploreOptions options{.seed = 3, .runs = 2'000};
  const Exploration one = explore_toy(toy_with_bug(2), options, 1);
  const Exploration three = explore_toy(toy_with_bug(2), options, 3);
  EXPECT_EQ(plans_of(one), plans_of(three));
  EXPECT_EQ(one.progress.runs, three.progress.runs);
  EXPECT_EQ(one.progress.steps, three.progress.steps);
  EXPECT_EQ(one.progress.behaviours, three.progress.behaviours);
}

TEST(Explore, RightProgramsGiveNoFinding) {
  const Exploration found = explore_toy(Toy{}, {.runs = 500});
  EXPECT_TRUE(found.findings.empty());
  EXPECT_GE(found.progress.runs, 500U);
}

TEST(Explore, TheCalmRunMayBeTheFinding) {
  Toy toy;
  toy.crashes = [](const Trace&) { return true; };
  const Exploration found = explore_toy(toy, {.runs = 50});
  ASSERT_EQ(found.findings.size(), 1U);
  EXPECT_TRUE(found.findings[0].plan.empty());
}

TEST(Explore, NoMoreRunsThanSaidButToMakeSure) {
  for (std::uint64_t runs = 2; runs < 40; ++runs)
    EXPECT_EQ(explore_toy(Toy{}, {.runs = runs}).progress.runs, runs);
  const Exploration found = explore_toy(toy_with_bug(3), {.seed = 3, .runs = 600});
  EXPECT_LE(found.progress.runs, 600 + most_beyond(600) + 8);
}

// Ends the search after so many runs, in the midst of what it does.
class Impatient final : public Watcher {
 public:
  Impatient(std::uint64_t runs, std::uint64_t more) : runs_(runs), more_(more) {}
  bool go_on(const Progress& progress) override { return progress.runs < runs_; }
  bool may_shrink(const Progress& progress) override { return progress.runs < runs_ + more_; }
  void found(const Finding&) override {}

 private:
  std::uint64_t runs_, more_;
};

TEST(Explore, ABudgetBoundsShrinkingAndTheFindingSaysSo) {
  const auto explore_for = [](std::uint64_t runs, std::uint64_t more) {
    auto pool = Pool::start(toy_recipe(toy_with_bug(2)), 1);
    Impatient impatient(runs, more);
    return explore(**pool, {.strategies = {StrategyKind::random}, .seed = 7}, impatient);
  };
  std::uint64_t first = 0;  // the run that showed it
  for (std::uint64_t runs = 50; first == 0 && runs < 6'000; runs += 50) {
    const Exploration found = explore_for(runs, 2'000);
    if (!found.findings.empty()) first = found.findings[0].runs;
  }
  ASSERT_GT(first, 0U);
  const Exploration cut = explore_for(first + 1, 5);
  ASSERT_EQ(cut.findings.size(), 1U);
  EXPECT_FALSE(cut.findings[0].is_smallest);
  EXPECT_LE(cut.progress.runs, first + 1 + 5 + kRepetitions + 2);
  const Exploration whole = explore_for(first + 1, 2'000);
  EXPECT_TRUE(whole.findings.at(0).is_smallest);
  EXPECT_LT(whole.findings[0].plan.size(), cut.findings[0].plan.size());
}

// What seems to hang in each cut run, and does not if only one waits, costs a few longer runs; what
// still hangs in those is a finding.
TEST(Explore, WhatOnlyLooksSoBecauseTheRunWasCutIsNoFinding) {
  const std::uint32_t limit = toy_recipe({}).scenario.limits.steps;
  Toy toy = toy_with_bug(1);
  toy.polls_until = limit + 1;
  const Exploration none = explore_toy(toy, {.strategies = {StrategyKind::sweep}, .runs = 200});
  EXPECT_TRUE(none.findings.empty());
  EXPECT_LE(none.progress.runs, 200U + 3);
  toy.polls_until = UINT32_MAX;
  const Exploration one = explore_toy(toy, {.strategies = {StrategyKind::sweep}, .runs = 200});
  EXPECT_EQ(plans_of(one), std::vector<std::string>{"before a#1 run b\n"});
}

TEST(Explore, WhatDoesNotRepeatIsANote) {
  Toy toy;
  int runs = 0;
  toy.before_run = [&runs] { ++runs; };
  toy.crashes = [&runs](const Trace&) { return runs == 20; };
  const Exploration found = explore_toy(toy, {.runs = 60});
  ASSERT_EQ(found.findings.size(), 1U);
  EXPECT_TRUE(found.findings[0].note);
  EXPECT_TRUE(found.findings[0].unstable);
}

TEST(Explore, SaysThatAProgramIsNotDeterministic) {
  Toy toy;
  int runs = 0;
  toy.before_run = [&] { toy.tasks[0].resize(++runs % 2 == 0 ? 8 : 7, Call::write); };
  const Exploration found = explore_toy(toy, {.strategies = {StrategyKind::sweep}, .runs = 40});
  ASSERT_FALSE(found.remarks.empty());
  EXPECT_TRUE(found.remarks[0].starts_with("not deterministic: "));
}

}  // namespace
}  // namespace pipewrench
