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
  return verdicts;
}

}  // namespace pipewrench
