// Oracle: a signal to what is no live peer: everybody (-1), a foreign group, a number
// that never was a peer, or a dead one again after ESRCH has said so. One ESRCH is how a careful
// program learns of a death.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <map>
#include <string_view>

#include "harness/core/printable.h"
#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

// The conductor writes `SIGUSR1, a foreign group`.
std::string_view target_of(const Step& step) {
  const std::string_view detail = step.detail;
  const std::size_t comma = detail.find(", ");
  return comma == detail.npos ? "" : detail.substr(comma + 2);
}

bool calm_does_so(const Case& c, const Step& step) {
  return std::ranges::any_of(c.calm.steps, [&](const Step& other) {
    return is_signal_call(other.call) && other.other == kNobody && other.number == step.number &&
           target_of(other) == target_of(step) &&
           role_of(c.calm, other.task) == role_of(c.run, step.task);
  });
}

class Wild {
 public:
  explicit Wild(const Case& c) : c_(c) {}

  std::vector<Verdict> verdicts() {
    for (const Step& step : c_.run.steps)
      if (step.event == Event::call && is_signal_call(step.call) && step.number != 0) {
        if ((step.flags & kWildTarget) != 0)
          look_at(step);
        else if (step.other == kNobody && step.result == 0)
          look_at_own_group(step);
      }
    return std::move(verdicts_);
  }

 private:
  void look_at(const Step& step) {
    const std::string_view target = target_of(step);
    if (target == "everybody") {
      add(step, Severity::finding, "everybody", "every process that it may signal (-1)");
    } else if (target == "a foreign group") {
      // Shells and timeout(1) signal their jobs by group: by design, unless only a deviation makes
      // them.
      const bool is_new = !c_.is_calm() && !calm_does_so(c_, step);
      add(step, is_new ? Severity::finding : Severity::note, "a process group",
          "a process group that is none of its own");
    } else if (target.starts_with("ended ")) {
      const std::uint32_t ended = task_named(c_.run, target.substr(6));
      if (has_reaped(step, ended))
        add(step, Severity::finding, "a child that it has waited for",
            printable(target.substr(6)) +
                ", which it has waited for: since then the number may be anybody's");
      else if (is_stranger(step, ended))
        add(step, Severity::finding, "a stranger that has ended",
            printable(target.substr(6)) +
                ", which ended before they ever met: the number is only what it left behind, and "
                "may be anybody's");
      else if (++refused_[{step.task, target}] == 2)
        add(step, Severity::finding, "a dead peer",
            printable(target.substr(6)) +
                ", which has ended, again after ESRCH: by now the number may be anybody's");
    } else if (target == "init") {
      const std::uint32_t parent = c_.run.tasks[step.task].parent;
      const bool is_orphan = parent != kNobody && is_dead_at(step, parent);
      add(step, Severity::finding, "init",
          is_orphan ? "PID 1, which is what getppid(2) says now that its parent " +
                          name_of(c_.run, parent) + " has ended"
                    : "PID 1, which is init");
    } else {
      add(step, Severity::finding, "no peer", "a PID that never was a peer's");
    }
  }

  bool is_dead_at(const Step& step, std::uint32_t task) const {
    return c_.run.tasks[task].died < static_cast<std::uint32_t>(&step - c_.run.steps.data());
  }

  // A number is free once its process has been waited for, and this process has done so itself.
  // Shells do it with the programs that they start: `kill $!` is their trade.
  bool has_reaped(const Step& step, std::uint32_t ended) const {
    const Trace& run = c_.run;
    if (ended == kNobody || has_execed(run, ended) || calm_does_so(c_, step)) return false;
    return std::any_of(run.steps.data(), &step, [&](const Step& wait) {
      return wait.event == Event::call && wait.call == Call::wait && wait.other == ended &&
             wait.result >= 0 && process_of(run, wait.task) == process_of(run, step.task);
    });
  }

  // Another peer that was dead before the two had anything to do with each other: the sender has
  // the number from a file or the like, not from a partner whose death it now learns of.
  bool is_stranger(const Step& step, std::uint32_t ended) const {
    const Trace& run = c_.run;
    if (ended == kNobody || step.task >= run.tasks.size() || calm_does_so(c_, step)) return false;
    const bool is_other = run.tasks[ended].peer != run.tasks[step.task].peer;
    return is_other && !met(run, step.task, {.task = ended}) && is_idle_before(ended, step.task);
  }

  // It was dead before the sender's first call.
  bool is_idle_before(std::uint32_t ended, std::uint32_t sender) const {
    const auto first = std::ranges::find_if(c_.run.steps, [&](const Step& step) {
      return step.task == sender && step.event == Event::call;
    });
    return c_.run.tasks[ended].died < static_cast<std::uint32_t>(first - c_.run.steps.begin());
  }

  // kill(0): a PID that nobody has filled in. To end one's whole job so is timeout(1)'s trade, to
  // send it SIGUSR1 is nobody's.
  void look_at_own_group(const Step& step) {
    const bool is_message = step.number == SIGUSR1 || step.number == SIGUSR2;
    if (!is_message || (!c_.is_calm() && calm_does_so(c_, step))) return;
    add(step, c_.is_calm() ? Severity::note : Severity::finding, "its own group",
        "its own process group, itself included (kill(0))");
  }

  void add(const Step& step, Severity severity, const std::string& target,
           const std::string& whom) {
    const std::string signal = signal_name(static_cast<int>(step.number));
    verdicts_.push_back(
        {.severity = severity,
         .kind = "wild_kill",
         .signature = "wild_kill: " + role_of(c_.run, step.task) + ' ' + signal + " to " + target,
         .peers = {c_.run.tasks[step.task].name},
         .step = static_cast<std::uint32_t>(&step - c_.run.steps.data()),
         .explanation = numbered(c_.run, step) + " sends " + signal + " to " + whom + '.'});
  }

  const Case& c_;
  std::map<std::pair<std::uint32_t, std::string_view>, int> refused_;  // task and target
  std::vector<Verdict> verdicts_;
};

}  // namespace

std::vector<Verdict> judge_wild_kill(const Case& c) { return Wild(c).verdicts(); }

}  // namespace pipewrench
