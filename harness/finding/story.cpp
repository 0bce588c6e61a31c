// SPDX-License-Identifier: MIT
#include "harness/finding/story.h"

#include "harness/core/printable.h"

namespace pipewrench {
namespace {

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string command_of(const Peer& peer) {
  constexpr std::size_t kLongestCommand = 120;
  std::string text;
  for (const std::string& word : peer.run) text += (text.empty() ? "" : " ") + word;
  return printable(text, kLongestCommand);
}

std::string plan_text(const Finding& finding) {
  if (finding.plan.empty()) return "No deviation is needed: the calm run shows it.\n";
  std::string text = finding.is_smallest || finding.unstable
                         ? "Smallest plan:\n"
                         : "Plan, which may not be the smallest (`pipewrench shrink` goes on):\n";
  for (const Deviation& deviation : finding.plan) text += "  " + printable(print(deviation)) + '\n';
  return text;
}

}  // namespace

std::string realism_name(Realism realism) {
  switch (realism) {
    case Realism::linux_:
      return "linux";
    case Realism::posix:
      return "posix";
    case Realism::hostile:
      return "hostile";
  }
  return "";
}

std::string title(const Finding& finding) {
  return (finding.note ? "note: " : "") + printable(finding.signature) + " (" +
         counted(finding.plan.size(), "deviation") + ", realism " + realism_name(finding.realism) +
         (finding.unstable ? ", unstable" : "") + ')';
}

std::string story(const Finding& finding, const Scenario& scenario, const std::string& replay,
                  const LadderStyle& style) {
  std::string text = title(finding) + "\n\n" + sentence(finding.explanation) + "\n\n";
  text += plan_text(finding) + "\nPeers:\n";
  for (const Peer& peer : scenario.peers)
    text += "  " + printable(peer.name) + ": " + command_of(peer) + '\n';
  const std::string steps = ladder(finding.trace, relevant_steps(finding), style);
  if (!steps.empty()) text += "\nWhat happens:\n" + steps;
  if (finding.unstable)
    text +=
        "\nIt did not repeat each time: the peers depend on something that is not under control.\n";
  if (!replay.empty()) text += "\nAgain: " + printable(replay) + '\n';
  return text;
}

}  // namespace pipewrench
