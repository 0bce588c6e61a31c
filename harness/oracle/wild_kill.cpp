// Oracle: a signal to what is no live peer: everybody (-1), the sender's whole group (0), a number
// that never was a peer, or a dead one again after ESRCH has said so. One ESRCH is how a careful
// program learns of a death.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

// The conductor writes `pid 42, SIGUSR1`.
std::optional<long> target_of(const Step& step) {
  constexpr std::string_view kPid = "pid ";
  if (!step.detail.starts_with(kPid)) return {};
  long pid = 0;
  const char* end = step.detail.data() + step.detail.size();
  const auto [last, error] = std::from_chars(step.detail.data() + kPid.size(), end, pid);
  return error == std::errc() ? std::optional(pid) : std::nullopt;
}

bool calm_does_so(const Case& c, const Step& step) {
  return std::ranges::any_of(c.calm.steps, [&](const Step& other) {
    return is_signal_call(other.call) && (other.flags & kWildTarget) != 0 &&
           other.number == step.number && target_of(other) == target_of(step) &&
           role_of(c.calm, other.task) == role_of(c.run, step.task);
  });
}

class Wild {
 public:
  explicit Wild(const Case& c) : c_(c) {}

  std::vector<Verdict> verdicts() {
    for (const Step& step : c_.run.steps)
      if (step.event == Event::call && is_signal_call(step.call) && step.number != 0 &&
          (step.flags & kWildTarget) != 0)
        look_at(step);
    return std::move(verdicts_);
  }

 private:
  void look_at(const Step& step) {
    const std::optional<long> pid = target_of(step);
    if (pid == -1) {
      add(step, Severity::finding, "-1", "every process that it may signal");
    } else if (pid == 0 || (pid && *pid < -1)) {
      // Shells and timeout(1) signal their job's group: by design, unless only a deviation makes
      // them.
      const bool is_new = !c_.is_calm() && !calm_does_so(c_, step);
      add(step, is_new ? Severity::finding : Severity::note, "a process group",
          "a whole process group (" + std::to_string(*pid) + ')');
    } else if (step.other != kNobody || has_dead(step)) {
      // Most likely a peer that has ended. A zombie takes signals without a word.
      if (step.result < 0 && ++refused_[{step.task, pid.value_or(0)}] == 2)
        add(step, Severity::finding, "a dead peer",
            "a peer that has ended, again after ESRCH: by now the number may be anybody's");
    } else {
      add(step, Severity::finding, "no peer",
          (pid ? "PID " + std::to_string(*pid) : std::string("a PID")) +
              ", which never was a peer");
    }
  }

  bool has_dead(const Step& step) const {
    const auto at = static_cast<std::uint32_t>(&step - c_.run.steps.data());
    return std::ranges::any_of(c_.run.tasks, [&](const Task& task) { return task.died <= at; });
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
  std::map<std::pair<std::uint32_t, long>, int> refused_;  // task and PID
  std::vector<Verdict> verdicts_;
};

}  // namespace

std::vector<Verdict> judge_wild_kill(const Case& c) { return Wild(c).verdicts(); }

}  // namespace pipewrench
