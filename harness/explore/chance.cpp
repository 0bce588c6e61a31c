// The strategies that draw lots: each run is a seed, and the worker's policy does the rest.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "harness/core/prng.h"
#include "harness/explore/strategy.h"

namespace pipewrench {
namespace {

constexpr std::uint32_t kMaxDepth = 4;  // bugs deeper than this are found by luck alone

std::uint32_t calls_of(const Trace& trace) {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      trace.steps, [](const Step& step) { return step.event == Event::call && step.n != 0; }));
}

class Chance final : public Strategy {
 public:
  Chance(const Ground& ground, Chooser chooser)
      : chooser_(chooser),
        realism_(ground.realism),
        length_(std::max(calls_of(ground.calm), 1U)),
        prng_(ground.seed + static_cast<std::uint64_t>(chooser)) {}

  std::optional<Request> next() override {
    const std::uint32_t depth = 1 + count_++ % kMaxDepth;
    return Request{.chooser = chooser_,
                   .plan = {},
                   .seed = prng_.next(),
                   .depth = depth,
                   .length = length_,
                   .realism = realism_};
  }

 private:
  Chooser chooser_;
  Realism realism_;
  std::uint32_t length_;
  Prng prng_;
  std::uint32_t count_ = 0;
};

}  // namespace

std::unique_ptr<Strategy> make_pct(const Ground& ground) {
  return std::make_unique<Chance>(ground, Chooser::pct);
}

std::unique_ptr<Strategy> make_random(const Ground& ground) {
  return std::make_unique<Chance>(ground, Chooser::random);
}

std::string pct_bound(const Trace& calm) {
  const std::uint64_t tasks = std::max<std::size_t>(calm.tasks.size(), 1);
  const std::uint64_t calls = std::max(calls_of(calm), 1U);
  return "a run finds a bug of depth 2 with probability >= 1/" + std::to_string(tasks * calls) +
         " (" + std::to_string(tasks) + " tasks, " + std::to_string(calls) + " calls)";
}

}  // namespace pipewrench
