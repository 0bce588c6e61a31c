// Oracle: output or exit status that differs from the calm run under deviations that must not
// matter: schedule, short transfers, EINTR.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

#include "harness/core/printable.h"
#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

std::string status_words(const Trace& trace, std::uint32_t task) {
  if (!is_dead(trace, task)) return "goes on";
  const int status = trace.tasks[task].status;
  if (WIFSIGNALED(status)) return "dies of " + signal_name(WTERMSIG(status));
  return "exits with " + std::to_string(WEXITSTATUS(status));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The first line that the other one has not, or has less often; where only their order differs, the
// first that is another one.
std::string telling_line(const std::string& of, const std::string& other) {
  constexpr std::size_t kShown = 40;
  const std::vector<std::string_view> lines = lines_of(of), others = lines_of(other);
  std::map<std::string_view, std::size_t> there;
  for (const std::string_view line : others) ++there[line];
  for (const std::string_view line : lines)
    if (there[line]-- == 0) return '"' + printable(line, kShown) + '"';
  const bool is_order = lines.size() == others.size();
  const auto at = std::ranges::mismatch(lines, others).in1;
  return is_order && at != lines.end() ? '"' + printable(*at, kShown) + '"' : "nothing";
}

std::string difference(const std::string& run, const std::string& calm) {
  return telling_line(run, calm) + " where the calm run says " + telling_line(calm, run);
}

// Ended well in the calm run, and in this one says that it failed.
bool has_failed(const Case& c, std::uint32_t task, std::uint32_t calm) {
  return is_dead(c.run, task) && is_dead(c.calm, calm) && c.calm.tasks[calm].status == 0 &&
         WIFEXITED(c.run.tasks[task].status) && WEXITSTATUS(c.run.tasks[task].status) != 0;
}

bool has_waited(const Trace& trace, std::uint32_t child) {
  return std::ranges::any_of(trace.steps, [&](const Step& step) {
    return step.event == Event::call && step.call == Call::wait && step.other == child &&
           step.result >= 0;
  });
}

// Its parent waits for it in the calm run; here it thinks that all is well, ends first, and nobody
// hears that the child fails.
bool fails_unheard(const Case& c, std::uint32_t child) {
  const Trace& run = c.run;
  const Task& task = run.tasks[child];
  const std::uint32_t calm = calm_twin(c, child);
  if (task.thread || task.parent >= run.tasks.size() || !is_dead(run, child) || calm == kNobody)
    return false;
  const Task& parent = run.tasks[task.parent];
  const bool fails = WIFEXITED(task.status) && WEXITSTATUS(task.status) != 0;
  return fails && is_dead(run, task.parent) && parent.status == 0 && parent.died < task.died &&
         !has_waited(run, child) && has_waited(c.calm, calm) && is_dead(c.calm, calm) &&
         c.calm.tasks[calm].status == 0;
}

Verdict unheard(const Case& c, std::uint32_t child) {
  return {.kind = "exit_status",
          .signature = "exit_status: " + role_of(c.run, child) + " fails unheard",
          .peers = {c.run.tasks[child].name},
          .step = last_call(c.run, child),
          .explanation = name_of(c.run, child) + ' ' + status_words(c.run, child) + " after " +
                         name_of(c.run, c.run.tasks[child].parent) +
                         " has ended without waiting for it; in the calm run it waits, and " +
                         name_of(c.run, child) + " exits with 0."};
}

}  // namespace

std::vector<Verdict> judge_output(const Case& c) {
  std::vector<Verdict> verdicts;
  bool somebody_failed = false;
  if (c.is_calm() || !means_of(c.run).transparent()) return verdicts;
  for (std::uint32_t peer = 0; peer < c.scenario.peers.size(); ++peer) {
    const Harm harm = harm_of(c, peer);
    const std::uint32_t task = main_task(c.run, peer);
    const std::uint32_t calm = main_task(c.calm, peer);
    if ((!harm.any() && !harm.interleaved) || task == kNobody || calm == kNobody) continue;
    const std::uint32_t last = last_call(c.run, task);
    Verdict verdict{.severity = harm.any() ? Severity::finding : Severity::note,
                    .kind = harm.status ? "exit_status" : "output",
                    .peers = {c.run.tasks[task].name},
                    .step = last == UINT32_MAX ? 0 : last};
    verdict.signature = verdict.kind + ": " + role_of(c.run, task);
    if (harm.status) {
      somebody_failed = somebody_failed || has_failed(c, task, calm);
      verdict.signature += ' ' + status_words(c.run, task);
      verdict.explanation = name_of(c.run, task) + ' ' + fate(c.run, task) +
                            "; in the calm run it " + fate(c.calm, calm) + '.';
    } else {
      verdict.explanation = name_of(c.run, task) + " prints " +
                            difference(c.run.outputs[peer].out, c.calm.outputs[peer].out) + '.';
    }
    verdicts.push_back(std::move(verdict));
  }
  // What others then print less or otherwise is that one's doing.
  if (somebody_failed)
    std::erase_if(verdicts, [](const Verdict& verdict) { return verdict.kind == "output"; });
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task)
    if (fails_unheard(c, task)) verdicts.push_back(unheard(c, task));
  return verdicts;
}

}  // namespace pipewrench
