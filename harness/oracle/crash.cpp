// Oracle: a memory error, an abort, a panic or a sanitizer report. Judged under every deviation,
// the calm run too.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "harness/oracle/means.h"
#include "harness/oracle/report.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

constexpr std::array kFatal = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};

// A watchdog's SIGABRT is somebody's wish; abort(3)'s own comes from the task itself.
bool was_sent(const Trace& run, std::uint32_t task, int signal) {
  return std::ranges::any_of(run.steps,
                             [&](const Step& step) {
                               return is_signal_call(step.call) && step.other == task &&
                                      step.task != task && step.number == signal;
                             }) ||
         std::ranges::any_of(run.plan, [&](const Deviation& deviation) {
           return deviation.kind == Deviate::signal && deviation.number == signal &&
                  deviation.task == run.tasks[task].name;
         });
}

int crash_signal(const Trace& run, std::uint32_t task) {
  const Task& dead = run.tasks[task];
  if (dead.killed_by_plan || dead.thread || !WIFSIGNALED(dead.status)) return 0;
  const int signal = WTERMSIG(dead.status);
  const bool is_fatal = std::ranges::find(kFatal, signal) != kFatal.end();
  return is_fatal && !was_sent(run, task, signal) ? signal : 0;
}

std::optional<Report> report_of(const Case& c, std::uint32_t peer) {
  if (peer >= c.run.outputs.size()) return {};
  const Output& output = c.run.outputs[peer];
  const bool is_tty = peer < c.scenario.peers.size() && c.scenario.peers[peer].tty;
  return report_in(is_tty ? output.out : output.err);
}

// Of a peer that reports: who died of it. UBSan may go on, then it is the peer's first task.
std::uint32_t reporter(const Trace& run, std::uint32_t peer) {
  std::uint32_t found = main_task(run, peer);
  for (std::uint32_t i = 0; i < run.tasks.size(); ++i)
    if (run.tasks[i].peer == peer && run.tasks[i].status != 0 && !run.tasks[i].killed_by_plan)
      found = i;
  return found;
}

std::string place_of(const Trace& run, std::uint32_t task, bool is_signature) {
  const std::uint32_t at = last_call(run, task);
  if (at == UINT32_MAX) return " before its first call";
  const Step& step = run.steps[at];
  return " after " +
         (is_signature ? said_role(run, step) : numbered(run, step) + ' ' + said(run, step));
}

// An assertion or a panic that answers an injected failure is a program that gave up, loudly.
Severity severity_of(const Means& means, std::uint32_t task, bool is_deliberate) {
  const bool is_answer = std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return victim.task == task && victim.how != Deviate::signal;
  });
  return is_deliberate && is_answer ? Severity::note : Severity::finding;
}

}  // namespace

std::vector<Verdict> judge_crash(const Case& c) {
  const Trace& run = c.run;
  const Means means = means_of(run);
  std::vector<Verdict> verdicts;
  std::vector<bool> reported(c.scenario.peers.size(), false);
  for (std::uint32_t peer = 0; peer < c.scenario.peers.size(); ++peer) {
    const std::optional<Report> report = report_of(c, peer);
    const std::uint32_t task = reporter(run, peer);
    if (!report || task == kNobody) continue;
    reported[peer] = true;
    const bool is_leak = report->tool == "LeakSanitizer";
    verdicts.push_back({.severity = severity_of(means, task, report->deliberate),
                        .kind = is_leak ? "leak" : "crash",
                        .signature = (is_leak ? "leak: " : "crash: ") + role_of(run, task) + ' ' +
                                     summary(*report),
                        .peers = {run.tasks[task].name},
                        .step = std::min(run.tasks[task].died, last_call(run, task)),
                        .explanation = name_of(run, task) + place_of(run, task, false) + ": " +
                                       report->tool + " reports " + summary(*report) + '.'});
  }
  for (std::uint32_t task = 0; task < run.tasks.size(); ++task) {
    const std::uint32_t peer = run.tasks[task].peer;
    const int signal = crash_signal(run, task);
    if (signal == 0 || (peer < reported.size() && reported[peer])) continue;
    verdicts.push_back({.severity = severity_of(means, task, signal == SIGABRT),
                        .kind = "crash",
                        .signature = "crash: " + role_of(run, task) + ' ' + signal_name(signal) +
                                     place_of(run, task, true),
                        .peers = {run.tasks[task].name},
                        .step = run.tasks[task].died,
                        .explanation = name_of(run, task) + " crashes (" + signal_name(signal) +
                                       ')' + place_of(run, task, false) + '.'});
  }
  return verdicts;
}

}  // namespace pipewrench
