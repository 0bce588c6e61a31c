// SPDX-License-Identifier: MIT
#include "harness/cli/arguments.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pipewrench {
namespace {

std::expected<Arguments, Exit> parse(const std::vector<const char*>& words) {
  std::vector<std::string> storage = {"pipewrench"};
  storage.insert(storage.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : storage) argv.push_back(word.data());
  return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

TEST(Arguments, ExploreTakesEverything) {
  const auto arguments =
      parse({"explore", "a.toml", "--runs", "500", "--strategy", "pct,sweep", "--realism", "posix",
             "--jobs", "2", "--seed", "deadbeef", "--out", "d", "--strict", "--json"});
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->command, Command::explore);
  EXPECT_EQ(arguments->subject, "a.toml");
  EXPECT_EQ(arguments->runs, 500U);
  EXPECT_EQ(arguments->budget_ms, 0U);
  EXPECT_EQ(arguments->strategies,
            (std::vector<StrategyKind>{StrategyKind::pct, StrategyKind::sweep}));
  EXPECT_EQ(arguments->realism, Realism::posix);
  EXPECT_EQ(arguments->jobs, 2U);
  EXPECT_EQ(arguments->seed, 0xdeadbeefU);
  EXPECT_EQ(arguments->out, "d");
  EXPECT_TRUE(arguments->strict);
  EXPECT_TRUE(arguments->json);
  EXPECT_TRUE(arguments->namespaces);
}

TEST(Arguments, ImportTakesPaths) {
  const auto arguments =
      parse({"import", "crash-1", "out", "--target", "fuzz_x", "--store", "d", "--json"});
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->command, Command::import_);
  EXPECT_EQ(arguments->paths, (std::vector<std::string>{"crash-1", "out"}));
  EXPECT_EQ(arguments->target, "fuzz_x");
  EXPECT_EQ(arguments->out, "d");
  EXPECT_TRUE(arguments->json);
  EXPECT_EQ(parse({"import"}).error(), Exit::usage);
}

TEST(Arguments, WhatFollowsTwoDashesAreThePeers) {
  const auto arguments = parse(
      {"run", "--timeline", "--no-namespaces", "--", "./a", "--json", "::", "./b", "--", "x"});
  ASSERT_TRUE(arguments.has_value());
  EXPECT_EQ(arguments->words, (std::vector<std::string>{"./a", "--json", "::", "./b", "--", "x"}));
  EXPECT_FALSE(arguments->json);
  EXPECT_TRUE(arguments->timeline);
  EXPECT_FALSE(arguments->namespaces);
}

TEST(Arguments, TheBudgetIsThirtySecondsUnlessSaid) {
  EXPECT_EQ(parse({"explore", "a"})->budget_ms, 30'000U);
  EXPECT_EQ(parse({"explore", "a", "--budget", "2min"})->budget_ms, 120'000U);
}

TEST(Arguments, MistakesAreUsage) {
  for (const auto& words : std::vector<std::vector<const char*>>{{},
                                                                 {"dance"},
                                                                 {"explore", "--strategy", "luck"},
                                                                 {"explore", "--budget", "soon"},
                                                                 {"explore", "--budget", "0s"},
                                                                 {"explore", "--runs", "0"},
                                                                 {"explore", "--jobs", "0"},
                                                                 {"explore", "--jobs", "1000"},
                                                                 {"explore", "--seed", "xyz"},
                                                                 {"replay"},
                                                                 {"replay", "d", "--times", "-1"},
                                                                 {"bench", "--baseline", "hope"},
                                                                 {"run", "a", "b"}}) {
    const auto arguments = parse(words);
    ASSERT_FALSE(arguments.has_value());
    EXPECT_EQ(arguments.error(), Exit::usage);
  }
}

TEST(Arguments, HelpIsNoMistake) { EXPECT_EQ(parse({"run", "--help"}).error(), Exit::nothing); }

TEST(Arguments, Durations) {
  EXPECT_EQ(duration_of("30s"), 30'000U);
  EXPECT_EQ(duration_of("250ms"), 250U);
  EXPECT_EQ(duration_of("12"), 12'000U);
  EXPECT_EQ(duration_of("2h"), 7'200'000U);
  for (const char* text : {"", "s", "-1s", "1.5s", "1 s", "99999999999999999999s", "999999h"})
    EXPECT_FALSE(duration_of(text).has_value()) << text;
}

TEST(Arguments, SeedsAreNumbersOrHashes) {
  EXPECT_EQ(seed_of("42"), 42U);
  EXPECT_EQ(seed_of("c0ffee"), 0xc0ffeeU);
  EXPECT_EQ(seed_of("0123456789abcdef0123456789abcdef01234567"), 0x0123456789abcdefU);
  for (const char* text : {"", "abc", "-1", "12 ", "xyzw"})
    EXPECT_FALSE(seed_of(text).has_value()) << text;
}

}  // namespace
}  // namespace pipewrench
