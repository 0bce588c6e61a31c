// SPDX-License-Identifier: MIT
#include "harness/explore/deviations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

namespace pipewrench {
namespace {

constexpr std::uint32_t bit(Deviate kind) { return 1U << static_cast<unsigned>(kind); }

struct Story {
  Story() { scenario.peers = {{.name = "writer"}, {.name = "reader"}}; }

  Scenario scenario;
  Trace trace{.tasks = {{.name = "writer", .peer = 0}, {.name = "reader", .peer = 1}}};

  std::vector<std::string> lines(Realism level = Realism::linux_, std::size_t first = 0) const {
    std::vector<std::string> all;
    for (const Unit& unit : units_of(trace, first, scenario, level))
      all.push_back(print(unit.plan));
    return all;
  }
};

bool contains(const std::vector<std::string>& lines, const std::string& line) {
  return std::ranges::find(lines, line) != lines.end();
}

TEST(Deviations, ReadOffTheSteps) {
  Story story;
  story.trace.steps = {{.call = Call::write,
                        .task = 0,
                        .n = 1,
                        .asked = 9000,
                        .others = {1},
                        .legal = bit(Deviate::shorten) | bit(Deviate::signal),
                        .legal_errors = {EINTR}}};
  const auto lines = story.lines();
  for (const char* line :
       {"before writer#1 run reader\n", "writer#1 write short 1\n", "writer#1 write short 4500\n",
        "writer#1 write short 8999\n", "writer#1 write fail EINTR\n", "writer#1 kill\n",
        "writer#1 kill after\n", "writer#1 kill\nwriter restart\n", "writer#1 signal SIGTERM\n"})
    EXPECT_TRUE(contains(lines, line)) << line;
  EXPECT_EQ(lines.size(), 10U);
}

TEST(Deviations, LinuxPlaysOnlyWhatTheStepAllows) {
  Story story;
  story.trace.steps = {{.call = Call::msgrcv, .task = 1, .n = 1, .asked = 100}};
  EXPECT_FALSE(contains(story.lines(), "reader#1 msgrcv fail EIDRM\n"));
  EXPECT_TRUE(contains(story.lines(Realism::posix), "reader#1 msgrcv fail EIDRM\n"));
}

TEST(Deviations, WhatLinuxDoesComesFirst) {
  Story story;
  for (std::uint32_t n = 1; n <= 3; ++n)
    story.trace.steps.push_back({.call = Call::write,
                                 .task = 0,
                                 .n = n,
                                 .asked = 9000,
                                 .legal = bit(Deviate::shorten),
                                 .legal_errors = {EINTR}});
  const auto lines = story.lines();
  auto more = story.lines(Realism::posix);
  EXPECT_GT(more.size(), lines.size());
  more.resize(lines.size());
  EXPECT_EQ(more, lines);
  EXPECT_EQ(units_of(story.trace, 0, story.scenario, Realism::posix).back().realism,
            Realism::posix);
}

TEST(Deviations, AreReadOncePerCallAndNotAfterTheTearDown) {
  Story story;
  story.trace.steps = {{.event = Event::waits, .call = Call::read, .task = 1, .n = 1},
                       {.call = Call::read, .task = 1, .n = 1},
                       {.event = Event::teardown},
                       {.call = Call::read, .task = 1, .n = 2}};
  const auto lines = story.lines();
  EXPECT_EQ(std::ranges::count(lines, "reader#1 kill\n"), 1);
  EXPECT_FALSE(contains(lines, "reader#2 kill\n"));
}

TEST(Deviations, FirstAndLastRoundOfALoopComeFirst) {
  Story story;
  for (std::uint32_t n = 1; n <= 9; ++n)
    story.trace.steps.push_back({.call = Call::read, .task = 1, .n = n});
  const auto lines = story.lines();
  const auto place = [&](const char* line) { return std::ranges::find(lines, line); };
  EXPECT_LT(place("reader#1 kill\n"), place("reader#2 kill\n"));
  EXPECT_LT(place("reader#9 kill\n"), place("reader#2 kill\n"));
  EXPECT_LT(place("reader#2 kill\n"), place("reader#5 kill\n"));
}

TEST(Deviations, AWakeUpReachesWhoeverWaitsOnTheObject) {
  Story story;
  story.trace.steps = {
      {.event = Event::waits, .call = Call::futex, .task = 1, .n = 1, .object = 3},
      {.call = Call::futex, .task = 0, .n = 1, .object = 3, .legal = bit(Deviate::wake)}};
  EXPECT_TRUE(contains(story.lines(), "writer#1 wake reader\n"));
}

TEST(Deviations, EachLevelProposesMoreThanTheOneBelow) {
  for (const Row& row : rows()) {
    Site site{.task = "a", .n = 1, .call = row.call, .nonblocking = true};
    site.legal = bit(Deviate::signal);
    std::array<std::size_t, kLevels.size()> proposed{};
    for (std::size_t i = 0; i < kLevels.size(); ++i)
      proposed[i] = faults_at(site, kLevels[i]).size();
    EXPECT_EQ(proposed[0], 0U) << row.name << ": nothing is legal here";
    EXPECT_EQ(proposed[1] > 0,
              std::ranges::any_of(row.faults,
                                  [](const Fault& fault) { return fault.effect == Effect::fail; }))
        << row.name;
    EXPECT_EQ(proposed[2] > 0, !hostile_faults(row.call).empty()) << row.name;
  }
}

TEST(Deviations, OnlyAHostileSystemContradictsTheCallsState) {
  const auto level = [](Call call, int number, bool nonblocking, std::uint32_t legal) {
    return level_of(
        {.kind = Deviate::fail, .task = "a", .n = 1, .number = number},
        {.who = {.name = "a", .n = 1, .call = call}, .nonblocking = nonblocking, .legal = legal});
  };
  EXPECT_EQ(level(Call::read, EAGAIN, false, 0), Realism::hostile);
  EXPECT_EQ(level(Call::read, EAGAIN, true, 0), Realism::posix);
  EXPECT_EQ(level(Call::fork, EAGAIN, false, 0), Realism::posix);
  EXPECT_EQ(level(Call::msgrcv, ENOMSG, false, 0), Realism::hostile);
  EXPECT_EQ(level(Call::open, ENXIO, false, 0), Realism::hostile);
  EXPECT_EQ(level(Call::read, EINTR, false, 0), Realism::hostile);
  EXPECT_EQ(level(Call::read, EINTR, false, bit(Deviate::signal)), Realism::posix);
  EXPECT_EQ(level(Call::semop, EINTR, false, 0), Realism::posix);
  EXPECT_EQ(level(Call::msgrcv, E2BIG, false, 0), Realism::hostile);
}

TEST(Deviations, LevelsFollowTheCall) {
  const int errors[] = {EINTR};
  const CallView call{.who = {.name = "a", .n = 1, .call = Call::msgrcv},
                      .asked = 10,
                      .legal = bit(Deviate::shorten),
                      .legal_errors = errors,
                      .shortest = 4,
                      .longest = 6};
  const auto level = [&](Deviate kind, std::uint64_t amount, int number) {
    return level_of({.kind = kind, .task = "a", .n = 1, .amount = amount, .number = number}, call);
  };
  EXPECT_EQ(level(Deviate::fail, 0, EINTR), Realism::linux_);
  EXPECT_EQ(level(Deviate::fail, 0, EIDRM), Realism::posix);
  EXPECT_EQ(level(Deviate::fail, 0, EIO), Realism::hostile);
  EXPECT_EQ(level(Deviate::shorten, 5, 0), Realism::linux_);
  EXPECT_EQ(level(Deviate::shorten, 7, 0), Realism::posix);
  EXPECT_EQ(level(Deviate::kill, 0, 0), Realism::linux_);
}

}  // namespace
}  // namespace pipewrench
