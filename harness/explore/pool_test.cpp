// SPDX-License-Identifier: MIT
#include "harness/explore/pool.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/explore/test_toy.h"
#include "harness/scenario/trace_bytes.h"

namespace pipewrench {
namespace {

Plan preempt(std::uint32_t n) {
  return {{.kind = Deviate::preempt, .task = "a", .n = n, .other = "b"}};
}

TEST(Pool, AnswersComeToTheirTickets) {
  const Toy toy;
  auto pool = Pool::start(toy_recipe(toy), 2);
  ASSERT_TRUE(pool.has_value());
  std::vector<Pool::Ticket> tickets;
  for (std::uint32_t n = 1; n <= 8; ++n)
    tickets.push_back((*pool)->submit({.plan = preempt(n), .want_trace = true}));
  for (std::uint32_t n = 8; n >= 1; --n) {
    const Answer answer = (*pool)->wait(tickets[n - 1]);
    EXPECT_EQ(answer.made, preempt(n));
    const auto trace = unpack(answer.trace);
    ASSERT_TRUE(trace.has_value());
    EXPECT_EQ(trace->steps[n - 1].task, 1U);
  }
  EXPECT_TRUE((*pool)->deaths().empty());
}

TEST(Pool, AWorkerThatCannotStartSaysWhy) {
  Recipe recipe = toy_recipe(Toy{});
  recipe.start =
      [](const ConductorOptions&) -> std::expected<std::unique_ptr<Runner>, std::string> {
    return std::unexpected("no user namespaces");
  };
  const auto pool = Pool::start(recipe, 2);
  ASSERT_FALSE(pool.has_value());
  EXPECT_EQ(pool.error(), "no user namespaces");
}

TEST(Pool, AWorkerThatDiesIsReplaced) {
  Toy toy;
  int runs = 0;
  toy.before_run = [&runs] {
    if (++runs == 5) ::raise(SIGKILL);
  };
  auto pool = Pool::start(toy_recipe(toy), 1);
  ASSERT_TRUE(pool.has_value());
  for (std::uint32_t n = 1; n <= 6; ++n)
    EXPECT_EQ((*pool)->run({.plan = preempt(n)}).ending, Ending::exited);
  EXPECT_EQ((*pool)->deaths(), std::vector<std::string>{"a worker was killed by signal 9"});
}

// From its third run on it can run nothing: its stage was killed.
class BrokenRunner final : public Runner {
 public:
  Trace run(const Scenario& scenario, Policy& policy) override {
    Trace trace = toy_.run(scenario, policy);
    if (++runs_ < 3) return trace;
    trace.ending = Ending::harness_error;
    trace.error = "the stage has died";
    return trace;
  }

 private:
  Toy shape_;
  ToyRunner toy_{shape_};
  int runs_ = 0;
};

TEST(Pool, AWorkerWhoseRunnerBreaksIsReplaced) {
  Recipe recipe = toy_recipe(Toy{});
  recipe.start = [](const ConductorOptions&) { return std::make_unique<BrokenRunner>(); };
  auto pool = Pool::start(recipe, 1);
  ASSERT_TRUE(pool.has_value());
  int errors = 0;
  for (int i = 0; i < 6; ++i)
    if ((*pool)->run({}).ending == Ending::harness_error) ++errors;
  EXPECT_EQ(errors, 2);
  EXPECT_TRUE((*pool)->deaths().empty());
}

TEST(Pool, ARunThatKillsEveryWorkerIsAnError) {
  Toy toy;
  toy.before_run = [] { ::_exit(3); };
  auto pool = Pool::start(toy_recipe(toy), 1);
  ASSERT_TRUE(pool.has_value());
  const Answer answer = (*pool)->run({});
  EXPECT_EQ(answer.ending, Ending::harness_error);
  EXPECT_EQ(answer.error, "a worker was ended with status 3 twice by the same run");
}

TEST(Pool, AWorkerThatHangsIsKilled) {
  Toy toy;
  toy.before_run = [] { ::pause(); };
  auto pool = Pool::start(toy_recipe(toy), 1, 50);
  ASSERT_TRUE(pool.has_value());
  EXPECT_EQ((*pool)->run({}).ending, Ending::harness_error);
}

TEST(Pool, SurvivesAnswersLargerThanASocket) {
  Toy toy;
  toy.tasks = {std::vector<Call>(5'000, Call::write), std::vector<Call>(5'000, Call::read)};
  auto pool = Pool::start(toy_recipe(toy), 2);
  ASSERT_TRUE(pool.has_value());
  std::vector<Pool::Ticket> tickets;
  for (int i = 0; i < 4; ++i) {
    Plan long_plan(5'000, {.kind = Deviate::kill, .task = std::string(200, 'x'), .n = 1});
    tickets.push_back((*pool)->submit({.plan = std::move(long_plan), .want_trace = true}));
  }
  for (const Pool::Ticket ticket : tickets) EXPECT_EQ((*pool)->wait(ticket).steps, 10'000U);
}

}  // namespace
}  // namespace pipewrench
