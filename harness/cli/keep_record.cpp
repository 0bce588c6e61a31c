// pipewrench record: a run that a script makes of many commands, as harness/nightly does. `--run`
// of explore and import adds what they find to it.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include "harness/cli/commands.h"
#include "harness/cli/record.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

Exit begin(const Arguments& arguments, FindingStore& store) {
  RunRecord run = arguments.record;
  run.commit = commit_of_environment();
  run.seed = std::to_string(arguments.seed);
  run.started_ms = wall_clock_ms();
  const auto id = store.begin(run);
  if (!id) return complain(id.error());
  fmt::print("{}\n", *id);
  return Exit::nothing;
}

Exit end(const Arguments& arguments, FindingStore& store) {
  RunRecord run = arguments.record;
  run.id = arguments.run;
  if (run.outcome.empty()) run.outcome = "ended";
  const auto ended = store.end(run);
  return ended ? Exit::nothing : complain(ended.error());
}

}  // namespace

Exit record_command(const Arguments& arguments) {
  const bool begins = arguments.action == Action::begin;
  auto store = FindingStore::open(
      arguments.out, begins ? FindingStore::Missing::is_made : FindingStore::Missing::is_an_error);
  if (!store) return complain(store.error());
  if (begins) return begin(arguments, *store);
  if (const auto there = check_run(*store, arguments.run); !there) return complain(there.error());
  if (arguments.action == Action::end) return end(arguments, *store);
  Sample sample = arguments.sample;
  sample.run = arguments.run;
  const auto added = store->add(sample);
  return added ? Exit::nothing : complain(added.error());
}

}  // namespace pipewrench
