// pipewrench shrink: the smallest plan that shows the same as the one given. Prints it as a plan.
// SPDX-License-Identifier: MIT
#include "harness/explore/shrink.h"

#include <fmt/core.h>

#include <algorithm>

#include "harness/cli/commands.h"
#include "harness/cli/json.h"
#include "harness/cli/load.h"
#include "harness/explore/suspicion.h"

namespace pipewrench {

Exit shrink_command(const Arguments& arguments) {
  const auto stored = load_stored(arguments);
  if (!stored) return complain(Exit::usage, stored.error().text());
  auto pool = start_pool(stored->scenario, arguments, stored->seed);
  if (!pool) return pool.error();
  const Answer first = (*pool)->run({.plan = stored->plan});
  if (first.ending == Ending::harness_error) return complain(Exit::harness, first.error);
  const auto wanted = [&](const Verdict& verdict) {
    return stored->kind.empty() ||
           (verdict.kind == stored->kind && verdict.signature == stored->signature);
  };
  const auto verdict = std::ranges::find_if(first.verdicts, wanted);
  if (verdict == first.verdicts.end()) {
    complain(Exit::nothing, "the plan shows nothing that could be kept while it shrinks");
    return Exit::nothing;
  }
  const Finding finding =
      investigate(stored->scenario, {*verdict, first.made, first.realism}, kRepetitions,
                  [&](const Request& request) { return (*pool)->run(request); });
  if (arguments.json) {
    fmt::print("{}\n", found_json(finding, [](const Finding&) { return std::string(); }));
  } else {
    fmt::print("# {}{}: {}\n{}", finding.unstable ? "unstable: " : "", finding.kind,
               plain(finding.explanation), print(finding.plan));
  }
  return Exit::findings;
}

}  // namespace pipewrench
