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

constexpr std::string_view kEnd = "end";

// The operation that compared; what a guard says comes at the end of the input.
std::string_view noticer(const Crash& crash) {
  const std::string_view detail = crash.detail;
  if (crash.tool == "guard") return kEnd;
  return crash.tool == "target" ? detail.substr(0, detail.find(": ")) : std::string_view();
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

bool is_noticed_by_last(const Crash& crash) {
  return crash.tool == "target" && noticer(crash) != kEnd;
}

bool may_be_cause(const Crash& of_part, const Crash& of_whole, Left left) {
  const Harm harm = harm_of(of_part);
  if (of_part.kind.empty() || !is_noticed(of_whole) || harm < harm_of(of_whole)) return false;
  const bool is_end = noticer(of_whole) == kEnd && of_whole.tool == "target";
  return harm == Harm::dies || left == Left::who_noticed || is_end ||
         (!noticer(of_whole).empty() && noticer(of_part) == noticer(of_whole));
}

bool may_be_cause(const Symptom& of_part, const Symptom& of_whole) {
  const auto shows_it = [&](const std::string& peer) {
    return std::ranges::find(of_whole.peers, peer) != of_whole.peers.end();
  };
  return harm_of(of_part) >= harm_of(of_whole) && std::ranges::any_of(of_part.peers, shows_it);
}

}  // namespace pipewrench
