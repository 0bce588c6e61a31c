// SPDX-License-Identifier: MIT
#include "harness/explore/suspicion.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/explore/deviations.h"
#include "harness/explore/shrink.h"
#include "harness/scenario/trace_bytes.h"

namespace pipewrench {
namespace {

const Verdict* find(const Answer& answer, const std::string& key) {
  const auto found = std::ranges::find(answer.verdicts, key, key_of);
  return found == answer.verdicts.end() ? nullptr : &*found;
}

// From the suspicion to the finding. `level_` falls with each run that shows the same at a lower
// one, and nothing is played beyond it any more.
class Investigation {
 public:
  Investigation(const Suspicion& suspicion, const Ask& ask, const MayShrink& may_shrink)
      : key_(key_of(suspicion.verdict)),
        plan_(suspicion.plan),
        level_(suspicion.realism),
        ask_(ask),
        may_shrink_(may_shrink) {}

  Finding investigate(Verdict verdict, unsigned repetitions) {
    Finding finding;
    for (unsigned i = 0; i < repetitions; ++i)
      if (find(ask(plan_, level_), key_) != nullptr) ++finding.repeated;
    finding.unstable = finding.repeated != repetitions;
    if (!finding.unstable) finding.is_smallest = make_small();
    const Answer last = ask(plan_, level_, true);
    if (const Verdict* again = find(last, key_)) {
      verdict = *again;
    } else {
      finding.unstable = true;
    }
    finding.kind = verdict.kind;
    finding.plan = std::move(plan_);
    finding.realism = last.realism;
    finding.note = finding.unstable || verdict.severity == Severity::note;
    finding.signature = verdict.signature;
    finding.peers = verdict.peers;
    finding.explanation = verdict.explanation;
    finding.step = verdict.step;
    if (auto trace = unpack(last.trace)) finding.trace = std::move(*trace);
    return finding;
  }

 private:
  Answer ask(const Plan& plan, Realism level, bool want_trace = false) {
    return ask_({.plan = plan, .realism = level, .want_trace = want_trace, .certain = true});
  }

  // False: there was no time to do so.
  bool make_small() {
    bool may_go_on = true;
    Shrunk shrunk = shrink(plan_, [&](const Plan& plan) -> std::optional<Plan> {
      may_go_on = may_go_on && may_shrink_();
      if (!may_go_on) return {};
      const Answer answer = ask(plan, level_);
      if (find(answer, key_) == nullptr) return {};
      level_ = answer.realism;
      return answer.made;
    });
    plan_ = std::move(shrunk.plan);
    // Even where time is short: who is told of a fault that Linux cannot make looks no further.
    for (const Realism lower : kLevels)
      if (lower < level_ && shows_at(lower)) break;
    return may_go_on && shrunk.runs < kMaxShrinkRuns;
  }

  // Tries the plan with what `lower` allows in place of what is beyond it: other amounts, which
  // LegalPolicy sees to, or another fault of the same call.
  bool shows_at(Realism lower) {
    if (takes(plan_, lower)) return true;
    std::size_t tries = 0;
    for (std::size_t i = 0; i < plan_.size(); ++i) {
      if (plan_[i].kind != Deviate::fail && plan_[i].kind != Deviate::shorten) continue;
      Plan changed = plan_;
      changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
      const auto without = unpack(ask(changed, level_, true).trace);
      const Step* step = without ? step_of(*without, plan_[i]) : nullptr;
      if (step == nullptr) continue;
      for (const Realism level : kLevels)
        for (const Deviation& fault : faults_at(site_of(*without, *step), level)) {
          if (level > lower || tries++ >= kMostLower) break;
          changed = plan_;
          changed[i] = fault;
          if (takes(changed, lower)) return true;
        }
    }
    return false;
  }

  bool takes(const Plan& plan, Realism level) {
    Answer answer = ask(plan, level);
    if (find(answer, key_) == nullptr) return false;
    plan_ = std::move(answer.made);
    level_ = answer.realism;
    return true;
  }

  static constexpr std::size_t kMostLower = 24;  // runs, of each level

  std::string key_;
  Plan plan_;
  Realism level_;
  const Ask& ask_;
  const MayShrink& may_shrink_;
};

}  // namespace

std::string key_of(const Verdict& verdict) {
  return (verdict.severity == Severity::note ? "note " : "") + verdict.kind + ": " +
         verdict.signature;
}

std::string id_of(const Scenario& scenario, const Verdict& verdict) {
  const std::string text = scenario.name + '\n' + verdict.signature;
  char id[17];
  std::snprintf(id, sizeof(id), "%016" PRIx64,
                static_cast<std::uint64_t>(XXH3_64bits(text.data(), text.size())));
  return std::string(id, 12);
}

Finding investigate(const Scenario& scenario, const Suspicion& suspicion, unsigned repetitions,
                    const Ask& ask, const MayShrink& may_shrink) {
  Finding finding =
      Investigation(suspicion, ask, may_shrink).investigate(suspicion.verdict, repetitions);
  finding.id = id_of(scenario, suspicion.verdict);
  return finding;
}

}  // namespace pipewrench
