// pipewrench replay: runs a finding or a plan again, and says how often it shows the same.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "harness/cli/commands.h"
#include "harness/cli/json.h"
#include "harness/cli/load.h"
#include "harness/cli/store.h"
#include "harness/explore/suspicion.h"
#include "harness/finding/story.h"
#include "harness/scenario/trace_bytes.h"
#include "harness/scenario/trace_diff.h"

namespace pipewrench {
namespace {

const Verdict* find(const Answer& answer, const LoadedFinding& stored) {
  const auto found = std::ranges::find_if(answer.verdicts, [&](const Verdict& verdict) {
    return verdict.kind == stored.kind && verdict.signature == stored.signature;
  });
  return found == answer.verdicts.end() ? nullptr : &*found;
}

// Of a plan of which nothing is known: what its first run shows, findings before notes.
void learn(const Answer& answer, LoadedFinding& stored) {
  if (!stored.kind.empty() || answer.verdicts.empty()) return;
  const Verdict& verdict =
      *std::ranges::min_element(answer.verdicts, {}, [](const Verdict& v) { return v.severity; });
  stored.kind = verdict.kind;
  stored.signature = verdict.signature;
}

// As a finding of its own: plan, trace and story of the same run.
std::expected<void, std::string> keep(const LoadedFinding& stored, const Answer& answer,
                                      const Trace& trace, const Replays& tally,
                                      const std::string& folder) {
  const Verdict* verdict = find(answer, stored);
  if (verdict == nullptr) return {};
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return std::unexpected(folder + ": " + error.message());
  return write_finding(folder,
                       {.id = id_of(stored.scenario, *verdict),
                        .kind = verdict->kind,
                        .signature = verdict->signature,
                        .peers = verdict->peers,
                        .plan = stored.plan,
                        .realism = answer.realism,
                        .explanation = verdict->explanation,
                        .note = verdict->severity == Severity::note,
                        .unstable = tally.same < tally.times,
                        .repeated = tally.same,
                        .step = verdict->step,
                        .trace = trace},
                       stored.scenario, "pipewrench replay .", stored.seed);
}

}  // namespace

Exit replay_command(const Arguments& arguments) {
  auto stored = load_stored(arguments);
  if (!stored) return complain(Exit::usage, stored.error().text());
  auto pool = start_pool(stored->scenario, arguments, stored->seed);
  if (!pool) return pool.error();
  const Request request{.plan = stored->plan, .want_trace = true, .certain = true};
  const Answer first = (*pool)->run(request);
  if (first.ending == Ending::harness_error) return complain(Exit::harness, first.error);
  learn(first, *stored);
  const auto trace = unpack(first.trace);
  if (!trace) return complain(Exit::harness, trace.error().text());
  if (!arguments.gdb.empty()) {
    const Verdict* verdict = find(first, *stored);
    pool->reset();
    return debug_replay(arguments, *stored, *trace,
                        verdict != nullptr ? verdict->step : trace->steps.size());
  }
  Replays tally{.times = arguments.times};
  std::string difference;
  for (std::uint32_t i = 0; i < arguments.times; ++i) {
    const Answer again = i == 0 ? first : (*pool)->run(request);
    if (again.ending == Ending::harness_error) return complain(Exit::harness, again.error);
    if (find(again, *stored) != nullptr) ++tally.same;
    if (again.trace_hash == first.trace_hash) {
      ++tally.same_trace;
    } else if (difference.empty()) {
      if (const auto other = unpack(again.trace); other)
        difference = first_difference(*trace, *other);
    }
  }
  if (!arguments.keep.empty())
    if (const auto kept = keep(*stored, first, *trace, tally, arguments.keep); !kept)
      return complain(Exit::environment, kept.error());
  if (arguments.json) {
    fmt::print("{}\n", run_json(stored->scenario, *trace, first, &tally));
  } else {
    if (arguments.timeline) fmt::print("{}", ladder(*trace, ladder_style()));
    for (const Deviation& deviation : trace->unused)
      fmt::print("never came to pass: {}\n", print(deviation));
    if (const Verdict* verdict = find(first, *stored))
      fmt::print("{}\n", plain(verdict_line(*verdict)));
    const std::string what = stored->kind.empty() ? "no verdict" : stored->kind;
    fmt::print("{} of {} runs: {}; {} of {} traces equal the first\n", tally.same, arguments.times,
               what, tally.same_trace, arguments.times);
    if (!difference.empty()) fmt::print("not deterministic: {}\n", plain(difference));
  }
  return tally.same > 0 ? Exit::findings : Exit::nothing;
}

}  // namespace pipewrench
