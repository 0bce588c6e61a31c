// Oracle: what the scenario says must hold: exit status, output, channels that lose nothing. Judged
// in the calm run and under deviations that must not matter.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>
#include <set>

#include "harness/core/printable.h"
#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"
#include "harness/scenario/channel.h"

namespace pipewrench {
namespace {

constexpr std::size_t kShown = 60;

std::set<std::string> lines_of(std::string_view text) {
  std::set<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string quoted(std::string_view text) { return '"' + printable(text, kShown) + '"'; }

class Expectations {
 public:
  explicit Expectations(const Case& c) : c_(c) {}

  std::vector<Verdict> verdicts() {
    for (const ExpectPeer& expected : c_.scenario.expect.peers) {
      const auto peer = std::ranges::find(c_.scenario.peers, expected.peer, &Peer::name);
      if (peer == c_.scenario.peers.end()) continue;
      const auto index = static_cast<std::uint32_t>(peer - c_.scenario.peers.begin());
      check_status(expected, index);
      if (index < c_.run.outputs.size()) check_output(expected, c_.run.outputs[index].out);
    }
    for (const std::string& channel : c_.scenario.expect.conserve) check_channel(channel);
    return std::move(verdicts_);
  }

 private:
  void add(const std::string& peer, const std::string& what, const std::string& explanation) {
    verdicts_.push_back({.kind = "expect",
                         .signature = "expect: " + role_of(peer) + ' ' + what,
                         .peers = {peer},
                         .explanation = explanation});
  }

  void check_status(const ExpectPeer& expected, std::uint32_t peer) {
    const std::uint32_t task = main_task(c_.run, peer);
    if (!expected.exit_status || task == kNobody) return;
    const int status = c_.run.tasks[task].status;
    if (WIFEXITED(status) && WEXITSTATUS(status) == *expected.exit_status) return;
    const std::string got = WIFSIGNALED(status)
                                ? "dies of " + signal_name(WTERMSIG(status))
                                : "exits with " + std::to_string(WEXITSTATUS(status));
    add(expected.peer, "exit status",
        printable(expected.peer) + ' ' + got + "; the scenario expects " +
            std::to_string(*expected.exit_status) + '.');
  }

  void check_output(const ExpectPeer& expected, const std::string& output) {
    const std::string peer = printable(expected.peer);
    if (expected.output && *expected.output != output)
      add(expected.peer, "output",
          peer + " prints " + quoted(output) + "; the scenario expects " +
              quoted(*expected.output) + '.');
    for (const std::string& part : expected.output_has)
      if (output.find(part) == std::string::npos)
        add(expected.peer, "output has " + quoted(part),
            peer + " never prints " + quoted(part) + '.');
    if (!expected.output_lines.empty() &&
        lines_of(output) !=
            std::set<std::string>(expected.output_lines.begin(), expected.output_lines.end()))
      add(expected.peer, "output lines",
          peer + " prints other lines than the scenario expects: " + quoted(output) + '.');
  }

  void check_channel(const std::string& channel) {
    const auto is_it = [&](const Object& one) { return is_of_channel(one.name, channel); };
    if (c_.is_calm() && std::ranges::none_of(c_.run.objects, is_it)) {
      verdicts_.push_back({.severity = Severity::note,
                           .kind = "expect",
                           .signature = "expect: nobody uses " + object_role(channel),
                           .explanation = "The scenario expects that nothing is lost over " +
                                          printable(channel) +
                                          ", which nobody uses in the calm run."});
    }
    std::int64_t sent = 0;
    std::int64_t received = 0;
    std::uint32_t sender = kNobody;
    for (const Step& step : c_.run.steps) {
      if (step.object >= c_.run.objects.size() || step.event != Event::call || step.result < 0 ||
          !is_of_channel(c_.run.objects[step.object].name, channel))
        continue;
      const bool is_queue = holds_messages(c_.run.objects[step.object].kind);
      if (is_output(step.call)) {
        sent += is_queue ? 1 : step.result;
        sender = step.task;
      }
      if (is_input(step.call)) received += is_queue ? 1 : step.result;
    }
    if (sent == received || at_limit(c_.run)) return;
    add(sender < c_.run.tasks.size() ? c_.run.tasks[sender].name : channel,
        "conserve " + object_role(channel),
        "Over " + printable(channel) + " went " + std::to_string(sent) + " and came " +
            std::to_string(received) + '.');
  }

  const Case& c_;
  std::vector<Verdict> verdicts_;
};

}  // namespace

std::vector<Verdict> judge_expect(const Case& c) {
  if (!c.is_calm() && !means_of(c.run).transparent()) return {};
  return Expectations(c).verdicts();
}

}  // namespace pipewrench
