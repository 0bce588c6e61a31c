// SPDX-License-Identifier: MIT
#include "reports/triage/causes.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace pipewrench {
namespace {

struct Harmful {
  std::string_view kind;
  Harm harm;
};
constexpr std::array<Harmful, 13> kHarms = {{{"crash", Harm::dies},
                                             {"wild_kill", Harm::dies},
                                             {"signal_death", Harm::dies},
                                             {"deadlock", Harm::never_ends},
                                             {"lost_signal", Harm::never_ends},
                                             {"hang", Harm::never_ends},
                                             {"spin", Harm::never_ends},
                                             {"timeout", Harm::never_ends},
                                             {"slow-unit", Harm::never_ends},
                                             {"leak", Harm::leftover},
                                             {"memory-leak", Harm::leftover},
                                             {"zombie", Harm::leftover},
                                             {"world_writable", Harm::leftover}}};

// The program itself, or what watches it, has seen that something is wrong: where it was seen is
// not where it went wrong.
bool is_noticed(const Crash& crash) {
  constexpr std::array<std::string_view, 6> kNoticed = {
      "abort", "assert", "assertion-failed", "check-failed", "uncaught-exception", "unreachable"};
  return is_noticed_later(crash) || std::ranges::find(kNoticed, crash.kind) != kNoticed.end();
}

Harm harm_of_kind(std::string_view kind, Harm other) {
  const auto* const found = std::ranges::find(kHarms, kind, &Harmful::kind);
  return found == kHarms.end() ? other : found->harm;
}

}  // namespace

Harm harm_of(const Crash& crash) {
  return harm_of_kind(crash.kind, is_noticed(crash) ? Harm::wrong_result : Harm::dies);
}

Harm harm_of(const Symptom& symptom) { return harm_of_kind(symptom.kind, Harm::wrong_result); }

bool may_be_cause(const Crash& of_part, const Crash& of_whole) {
  return !of_part.kind.empty() && is_noticed(of_whole) && harm_of(of_part) >= harm_of(of_whole);
}

bool may_be_cause(const Symptom& of_part, const Symptom& of_whole) {
  return harm_of(of_part) >= harm_of(of_whole);
}

}  // namespace pipewrench
