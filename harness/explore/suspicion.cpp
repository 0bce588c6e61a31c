// SPDX-License-Identifier: MIT
#include "harness/explore/suspicion.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <optional>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/explore/shrink.h"
#include "harness/scenario/trace_bytes.h"

namespace pipewrench {
namespace {

const Verdict* find(const Answer& answer, const std::string& key) {
  const auto found = std::ranges::find(answer.verdicts, key, key_of);
  return found == answer.verdicts.end() ? nullptr : &*found;
}

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
  const std::string key = key_of(suspicion.verdict);
  Verdict verdict = suspicion.verdict;
  Finding finding;
  finding.id = id_of(scenario, verdict);
  finding.kind = verdict.kind;
  finding.plan = suspicion.plan;
  const auto request = [&](const Plan& plan, bool want_trace) {
    return Request{.plan = plan, .realism = suspicion.realism, .want_trace = want_trace};
  };
  for (unsigned i = 0; i < repetitions; ++i)
    if (find(ask(request(finding.plan, false)), key) != nullptr) ++finding.repeated;
  finding.unstable = finding.repeated != repetitions;
  if (!finding.unstable) {
    Shrunk shrunk = shrink(finding.plan, [&](const Plan& plan) -> std::optional<Plan> {
      finding.is_smallest = finding.is_smallest && may_shrink();
      if (!finding.is_smallest) return {};
      const Answer answer = ask(request(plan, false));
      if (find(answer, key) == nullptr) return {};
      return answer.made;
    });
    finding.plan = std::move(shrunk.plan);
    finding.is_smallest = finding.is_smallest && shrunk.runs < kMaxShrinkRuns;
  }
  const Answer last = ask(request(finding.plan, true));
  if (const Verdict* again = find(last, key)) {
    verdict = *again;
  } else {
    finding.unstable = true;
  }
  finding.realism = last.realism;
  finding.note = finding.unstable || verdict.severity == Severity::note;
  finding.signature = verdict.signature;
  finding.peers = verdict.peers;
  finding.explanation = verdict.explanation;
  finding.step = verdict.step;
  if (auto trace = unpack(last.trace)) finding.trace = std::move(*trace);
  return finding;
}

}  // namespace pipewrench
