// SPDX-License-Identifier: MIT
#include "harness/oracle/oracle.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"

namespace pipewrench {
namespace {

// In this order an earlier verdict may explain a later one, never the other way round.
constexpr OracleRow kOracles[] = {
    {"crash", judge_crash, "a memory error, an abort, a panic or a sanitizer report"},
    {"wild_kill", judge_wild_kill, "a signal to what is no live peer"},
    {"signal_death", judge_signal_death, "death by SIGPIPE, SIGUSR1 and the like"},
    {"spin", judge_spin, "the same calls for ever, and nothing changes"},
    {"lost_signal", judge_lost_signal, "waiting for a signal that came before, or was merged"},
    {"deadlock", judge_deadlock, "tasks that wait for each other in a ring"},
    {"hang", judge_hang, "waiting for ever where the calm run went on"},
    {"torn_data", judge_torn_data, "records cut, merged, mixed or sent twice on a stream"},
    {"lost_data", judge_lost_data, "bytes or messages that nobody received, or never sent"},
    {"segment", judge_segment, "shared memory overwritten or cleared before it was read"},
    {"leak", judge_leak, "objects and processes left behind"},
    {"zombie", judge_zombie, "dead children that a living parent does not wait for"},
    {"world_writable", judge_world_writable, "objects that anyone may write to"},
    {"restart", judge_restart, "a restarted peer fails on what its dead self left"},
    {"output", judge_output, "output or exit status that the deviation may not change"},
    {"expect", judge_expect, "what the scenario says must hold"},
};

bool is_one_of(std::string_view kind, std::initializer_list<std::string_view> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

bool concerns(const Verdict& verdict, const Trace& run, const std::string& peer_of) {
  const std::uint32_t task = task_named(run, peer_of);
  return std::ranges::any_of(verdict.peers, [&](const std::string& name) {
    const std::uint32_t other = task_named(run, name);
    return name == peer_of ||
           (task != kNobody && other != kNobody && run.tasks[task].peer == run.tasks[other].peer);
  });
}

bool shares_peer(const Trace& run, const Verdict& one, const Verdict& other) {
  return std::ranges::any_of(other.peers,
                             [&](const std::string& name) { return concerns(one, run, name); });
}
bool shares_task(const Verdict& one, const Verdict& other) {
  return std::ranges::any_of(other.peers, [&](const std::string& name) {
    return std::ranges::find(one.peers, name) != one.peers.end();
  });
}

// What a dead self left behind is a cause of its own: notes of its death explain nothing of it.
bool is_of_restart(const Verdict& verdict) {
  return verdict.signature.starts_with("exit_status: restarted ");
}

bool explains(const Trace& run, const Verdict& cause, const Verdict& effect) {
  const bool is_stop = is_one_of(cause.kind, {"deadlock", "hang", "lost_signal", "spin"});
  const bool is_end = is_one_of(cause.kind, {"crash", "signal_death"});
  const bool is_data = is_one_of(cause.kind, {"lost_data", "torn_data", "duplicated_data"});
  if (effect.kind == "signal_death") return cause.kind == "wild_kill" && shares_task(cause, effect);
  if (effect.kind == "deadlock") return cause.kind == "lost_signal" && shares_task(cause, effect);
  // Who waits while another one spins to the end of the run may only wait for him.
  if (effect.kind == "hang" && cause.kind == "spin") return at_limit(run);
  if (effect.kind == "hang")
    return is_one_of(cause.kind, {"deadlock", "lost_signal"}) && shares_task(cause, effect);
  if (is_one_of(effect.kind, {"lost_data", "torn_data", "duplicated_data"}))
    return (is_stop || is_end) && shares_peer(run, cause, effect);
  // Nor do its own children end, which it should have told or collected.
  if (cause.signature.starts_with("leak: orphan ") &&
      effect.signature.starts_with("leak: process "))
    return shares_peer(run, cause, effect);
  if (effect.kind == "leak" || effect.kind == "zombie")
    return (is_stop || cause.kind == "crash" || (is_end && cause.severity == Severity::note)) &&
           shares_peer(run, cause, effect);
  if (is_of_restart(effect)) return is_end && shares_task(cause, effect);
  if (is_one_of(effect.kind, {"output", "exit_status", "expect"})) {
    if (cause.severity == Severity::finding)
      return is_stop || is_end || is_data || cause.kind == "wild_kill";
    // What the scenario says must hold does, whatever is by design elsewhere.
    return effect.kind != "expect" && shares_peer(run, cause, effect);
  }
  return false;
}

void keep_causes(const Trace& run, std::vector<Verdict>& verdicts) {
  std::vector<bool> left_out(verdicts.size(), false);
  for (std::size_t effect = 0; effect < verdicts.size(); ++effect)
    for (std::size_t cause = 0; cause < effect && !left_out[effect]; ++cause)
      left_out[effect] = (verdicts[cause].signature == verdicts[effect].signature) ||
                         (!left_out[cause] && explains(run, verdicts[cause], verdicts[effect]));
  std::size_t kept = 0;
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    if (!left_out[i] && kept++ != i) verdicts[kept - 1] = std::move(verdicts[i]);
  verdicts.resize(kept);
}

// What was not under control may have gone on by itself, had it been given the time. Of the calm
// run the scenario's own words hold all the same: nothing can be compared with it.
void doubt_unmanaged(const Case& c, std::vector<Verdict>& verdicts) {
  if (c.run.unmanaged == 0) return;
  // That is the very thing the conductor gave up on.
  const auto is_the_cause = [](const Verdict& verdict) {
    return verdict.kind == "spin" && verdict.signature.ends_with(" plain calls");
  };
  for (Verdict& verdict : verdicts)
    if (!is_the_cause(verdict) &&
        !is_one_of(verdict.kind, {"crash", "signal_death", "wild_kill", "world_writable"}) &&
        !(c.is_calm() && verdict.kind == "expect"))
      verdict.severity = Severity::note;
}

}  // namespace

std::span<const OracleRow> oracles() { return kOracles; }

std::vector<Verdict> judge(const Case& c) {
  std::vector<Verdict> verdicts;
  if (c.run.ending == Ending::harness_error || c.calm.ending == Ending::harness_error)
    return verdicts;
  for (const OracleRow& oracle : kOracles)
    std::ranges::move(oracle.judge(c), std::back_inserter(verdicts));
  keep_causes(c.run, verdicts);
  doubt_unmanaged(c, verdicts);
  return verdicts;
}

}  // namespace pipewrench
