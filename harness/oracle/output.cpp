// Oracle: output or exit status that differs from the calm run under deviations that must not
// matter: schedule, short transfers, EINTR.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>

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

// The first line that differs, of both.
std::string difference(const std::string& run, const std::string& calm) {
  constexpr std::size_t kShown = 40;
  const auto [at, other] = std::ranges::mismatch(run, calm);
  const auto line_start = std::find(std::make_reverse_iterator(at), run.rend(), '\n').base();
  const auto from = static_cast<std::size_t>(line_start - run.begin());
  const auto line = [&](const std::string& text) {
    if (from >= text.size()) return std::string("nothing");
    const std::string_view rest = std::string_view(text).substr(from);
    return '"' + printable(rest.substr(0, rest.find('\n')), kShown) + '"';
  };
  return line(run) + " where the calm run says " + line(calm);
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
      verdict.signature += ' ' + status_words(c.run, task);
      verdict.explanation = name_of(c.run, task) + ' ' + status_words(c.run, task) +
                            "; in the calm run it " + status_words(c.calm, calm) + '.';
    } else {
      verdict.explanation = name_of(c.run, task) + " prints " +
                            difference(c.run.outputs[peer].out, c.calm.outputs[peer].out) + '.';
    }
    verdicts.push_back(std::move(verdict));
  }
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task)
    if (fails_unheard(c, task)) verdicts.push_back(unheard(c, task));
  return verdicts;
}

}  // namespace pipewrench
