// SPDX-License-Identifier: MIT
#include "harness/explore/answerer.h"

#include <algorithm>
#include <utility>

#include "harness/explore/behaviour.h"
#include "harness/explore/policies.h"
#include "harness/oracle/words.h"
#include "harness/scenario/trace_bytes.h"

namespace pipewrench {
namespace {

Answer describe(const Trace& trace, Realism realism, bool want_trace) {
  Answer answer{.made = trace.plan,
                .realism = realism,
                .trace_hash = trace_hash(trace),
                .behaviour = behaviour_of(trace),
                .steps = static_cast<std::uint32_t>(trace.steps.size()),
                .unmanaged = trace.unmanaged,
                .unmanaged_of = unmanaged_of(trace),
                .ending = trace.ending,
                .error = trace.error};
  if (want_trace) answer.trace = pack(trace);
  return answer;
}

bool same(const Verdict& one, const Verdict& other) {
  return one.severity == other.severity && one.kind == other.kind &&
         one.signature == other.signature;
}

// What is still under way when a run is cut looks like a hang.
bool may_be_haste(const Trace& calm, const Trace& trace, const std::vector<Verdict>& verdicts) {
  return trace.ending == Ending::step_limit && calm.ending != Ending::step_limit &&
         std::ranges::any_of(verdicts, [](const Verdict& one) { return one.kind != "spin"; });
}

}  // namespace

Answer Answerer::answer(const Request& request) {
  const bool is_calm = request.chooser == Chooser::plan && request.plan.empty();
  if (!calm_) {
    PlanPolicy nothing{{}};
    calm_ = runner_->run(recipe_.scenario, nothing);
    if (is_calm || calm_->ending == Ending::harness_error) {
      Answer answer = describe(*calm_, Realism::linux_, request.want_trace);
      if (calm_->ending == Ending::harness_error) {
        calm_.reset();
      } else {
        answer.verdicts = recipe_.judge({recipe_.scenario, *calm_, *calm_});
      }
      return answer;
    }
  }
  const Chances chances{
      .seed = request.seed, .level = request.realism, .end_signal = recipe_.scenario.end.signal};
  switch (request.chooser) {
    case Chooser::plan:
      break;
    case Chooser::pct: {
      PctPolicy pct(chances, request.depth, request.length);
      return run(request, pct);
    }
    case Chooser::random: {
      RandomPolicy random(chances);
      return run(request, random);
    }
  }
  PlanPolicy plan(request.plan);
  return run(request, plan);
}

Answer Answerer::run(const Request& request, Policy& chooser) {
  LegalPolicy legal(chooser, request.realism);
  Trace trace = runner_->run(recipe_.scenario, legal);
  if (const auto* plan = dynamic_cast<const PlanPolicy*>(&chooser))
    trace.unused.insert(trace.unused.end(), plan->unused().begin(), plan->unused().end());
  Answer answer = describe(trace, legal.needed(), request.want_trace);
  if (trace.ending == Ending::harness_error) return answer;
  const bool is_calm = request.chooser == Chooser::plan && request.plan.empty();
  answer.verdicts = recipe_.judge({recipe_.scenario, is_calm ? trace : *calm_, trace});
  answer.hasty = !is_calm && may_be_haste(*calm_, trace, answer.verdicts);
  if (answer.hasty && request.certain) {
    take_back(trace.plan, request.realism, answer.verdicts);
    answer.hasty = false;
  }
  return answer;
}

// Only what is so after a much longer run too is a verdict.
void Answerer::take_back(const Plan& made, Realism realism, std::vector<Verdict>& verdicts) {
  constexpr std::uint32_t kPatience = 8;
  constexpr std::uint32_t kMostMore = 20'000;  // a second of calls: more than a small budget has
  Scenario longer = recipe_.scenario;
  longer.limits.steps += std::min((kPatience - 1) * longer.limits.steps, kMostMore);
  PlanPolicy plan(made);
  LegalPolicy legal(plan, realism);
  const Trace trace = runner_->run(longer, legal);
  const std::vector<Verdict> later = recipe_.judge({longer, *calm_, trace});
  std::erase_if(verdicts, [&](const Verdict& one) {
    return one.kind != "spin" &&
           std::ranges::none_of(later, [&](const Verdict& other) { return same(one, other); });
  });
}

}  // namespace pipewrench
