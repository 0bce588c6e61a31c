// Oracle: death by a signal that means communication (SIGPIPE, SIGUSR1, SIGALRM), which the calm
// run handled or never saw. SIGTERM, SIGINT and SIGKILL from a peer are somebody's wish.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

bool is_communication(int signal) {
  return signal == SIGPIPE || signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGALRM ||
         signal == SIGVTALRM || signal == SIGPROF || signal == SIGIO || signal == SIGURG ||
         signal >= SIGRTMIN;
}

// By role: forks that swap numbers are the same program.
bool calm_dies_so(const Case& c, std::uint32_t task, int signal) {
  return std::ranges::any_of(c.calm.tasks, [&](const Task& other) {
    return died_of(other, signal) && role_of(other.name) == role_of(c.run, task);
  });
}

bool is_planned(const Trace& run, std::uint32_t task, int signal) {
  return std::ranges::any_of(run.plan, [&](const Deviation& deviation) {
    return deviation.kind == Deviate::signal && deviation.number == signal &&
           deviation.task == run.tasks[task].name;
  });
}

const Step* sent_by(const Trace& run, std::uint32_t task, int signal) {
  for (const Step& step : run.steps)
    if (is_signal_call(step.call) && step.other == task && step.number == signal) return &step;
  return nullptr;
}

// The write that met no reader; nothing if it raised the signal itself, as a careful filter does.
// Whichever thread of the process made it.
const Step* broken_write(const Trace& run, std::uint32_t process) {
  const Step* broken = nullptr;
  for (std::uint32_t task = 0; task < run.tasks.size(); ++task) {
    if (process_of(run, task) != process) continue;
    const std::uint32_t last = last_call(run, task);
    if (last == UINT32_MAX) continue;
    const Step& step = run.steps[last];
    const bool is_write =
        is_output(step.call) || step.call == Call::splice || step.call == Call::sendfile;
    // Of another thread: only what has failed so. What its own last call did may not be known.
    if (is_write && (task == process || step.result == -EPIPE)) broken = &step;
  }
  return broken;
}

// What a filter is: it writes to the standard output that it was given, or is a program that a
// shell started.
bool is_filter(const Trace& run, std::uint32_t task, const Step* write) {
  constexpr std::string_view kStandardOutput = "fd 1";
  if (has_execed(run, task)) return true;
  return write != nullptr && write->detail.starts_with(kStandardOutput) &&
         (write->detail.size() == kStandardOutput.size() ||
          write->detail[kStandardOutput.size()] == ',');
}

// Whom popen(3) or its like started: another program at the other end of the pipe.
bool reader_is_coprocess(const Trace& run, std::uint32_t task, const Step* write) {
  if (write == nullptr) return false;
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return step.object == write->object && is_input(step.call) && step.task != task &&
           has_execed(run, step.task);
  });
}

// alarm(2) without a handler is a time limit: to die of it when the others are gone is what it is
// for.
bool is_time_limit(int signal) {
  return signal == SIGALRM || signal == SIGVTALRM || signal == SIGPROF;
}

// A helper whose parent was killed has nobody left to serve.
bool is_of_killed_family(const Trace& run, std::uint32_t task) {
  for (std::uint32_t up = run.tasks[task].parent; up < run.tasks.size(); up = run.tasks[up].parent)
    if (is_ended_by_plan(run, up)) return true;
  return false;
}

// Its parent had hung up, and ends it anyway.
bool is_ended_by_parent(const Trace& run, std::uint32_t task) {
  return std::ranges::any_of(run.steps, [&](const Step& step) {
    return is_signal_call(step.call) && step.event == Event::call && step.other == task &&
           process_of(run, step.task) == run.tasks[task].parent &&
           (step.number == SIGKILL || step.number == SIGTERM);
  });
}

Severity severity_of(const Case& c, std::uint32_t task, int signal, const Step* last) {
  const std::uint32_t peer = c.run.tasks[task].peer;
  if (signal == SIGPIPE && peer < c.scenario.peers.size()) {
    const Sigpipe wanted = c.scenario.peers[peer].sigpipe;
    if (wanted == Sigpipe::fatal) return Severity::finding;
    if (wanted == Sigpipe::fine) return Severity::note;
  }
  if (c.is_calm()) return Severity::note;
  if (is_time_limit(signal) && !means_of(c.run).transparent()) return Severity::note;
  if (signal != SIGPIPE) return Severity::finding;
  if (last == nullptr) return Severity::note;
  const bool is_by_design = is_filter(c.run, task, last) || is_of_killed_family(c.run, task) ||
                            reader_is_coprocess(c.run, task, last) ||
                            is_ended_by_parent(c.run, task);
  return is_by_design ? Severity::note : Severity::finding;
}

Verdict verdict_of(const Case& c, std::uint32_t task, int signal) {
  const Trace& run = c.run;
  const bool is_pipe = signal == SIGPIPE;
  const Step* at = is_pipe ? broken_write(run, task) : sent_by(run, task, signal);
  Verdict verdict{.severity = severity_of(c, task, signal, at),
                  .kind = "signal_death",
                  .signature = "signal_death: " + role_of(run, task) + ' ' + signal_name(signal),
                  .peers = {run.tasks[task].name},
                  .step = run.tasks[task].died,
                  .explanation = name_of(run, task) + " dies of " + signal_name(signal)};
  if (is_pipe) {
    if (at != nullptr) verdict.signature += " in " + said_role(run, *at);
    if (at != nullptr)
      verdict.explanation = numbered(run, *at) + " dies of SIGPIPE in " + said(run, *at);
    verdict.explanation +=
        ": nobody reads any more, and it neither ignores nor handles the signal.";
    return verdict;
  }
  if (at != nullptr) {
    verdict.signature += " from " + role_of(run, at->task);
    verdict.explanation += ", sent by " + numbered(run, *at);
  }
  verdict.explanation +=
      at == nullptr && is_time_limit(signal)
          ? ": the time limit that it has set itself is over, and it still waits."
          : ": at this moment no handler is installed for it.";
  return verdict;
}

}  // namespace

std::vector<Verdict> judge_signal_death(const Case& c) {
  std::vector<Verdict> verdicts;
  for (std::uint32_t task = 0; task < c.run.tasks.size(); ++task) {
    const Task& dead = c.run.tasks[task];
    if (dead.alive || dead.killed_by_plan || dead.thread || !WIFSIGNALED(dead.status)) continue;
    const int signal = WTERMSIG(dead.status);
    if (!is_communication(signal) || is_planned(c.run, task, signal)) continue;
    if (!c.is_calm() && calm_dies_so(c, task, signal)) continue;
    verdicts.push_back(verdict_of(c, task, signal));
  }
  return verdicts;
}

}  // namespace pipewrench
