// Oracle: dead children that a living parent has not waited for when the run ends. One is a note: a
// parent may collect it at its own end; several, or more than in the calm run, are a table that
// fills up.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

// Zombies by parent's name.
std::map<std::string, std::vector<std::uint32_t>> zombies_of(const Trace& trace) {
  std::map<std::string, std::vector<std::uint32_t>> zombies;
  for (std::uint32_t i = 0; i < trace.tasks.size(); ++i) {
    const Task& task = trace.tasks[i];
    if (!task.reaped && !task.alive && !task.thread && task.parent < trace.tasks.size() &&
        trace.tasks[task.parent].alive)
      zombies[trace.tasks[task.parent].name].push_back(i);
  }
  return zombies;
}

}  // namespace

std::vector<Verdict> judge_zombie(const Case& c) {
  constexpr std::size_t kSeveral = 2;
  std::vector<Verdict> verdicts;
  const auto zombies = zombies_of(c.run);
  // At a limit a parent may be just about to look.
  if (zombies.empty() || at_limit(c.run)) return verdicts;
  const auto calm = zombies_of(c.calm);
  const bool is_transparent = means_of(c.run).transparent();
  for (const auto& [parent, dead] : zombies) {
    const std::size_t before = calm.contains(parent) ? calm.at(parent).size() : 0;
    if (!c.is_calm() && dead.size() <= before) continue;
    const bool is_bug = c.is_calm() ? dead.size() >= kSeveral : is_transparent;
    const std::uint32_t child = dead.front();
    verdicts.push_back(
        {.severity = is_bug ? Severity::finding : Severity::note,
         .kind = "leak",
         .signature = "leak: zombie " + role_of(c.run, child) + " of " + role_of(parent),
         .peers = {parent, c.run.tasks[child].name},
         .step = c.run.tasks[child].died,
         .explanation = role_of(parent) + " lives on and never waits for " + name_of(c.run, child) +
                        (dead.size() == 1 ? ", which has ended: a zombie."
                                          : " and others, which have ended: zombies.")});
  }
  return verdicts;
}

}  // namespace pipewrench
