// SPDX-License-Identifier: MIT
#include "harness/scenario/scenario.h"

#include <algorithm>
#include <set>

namespace pipewrench {
namespace {

bool is_name_letter(char c) { return c != '/' && c != ':' && is_task_name({&c, 1}); }

}  // namespace

bool is_peer_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxPeerName && name[0] != '.' && name[0] != '-' &&
         std::ranges::all_of(name, is_name_letter);
}

std::string peer_name_of(const std::string& program) {
  const std::size_t end = program.find_last_not_of('/');
  std::string name = program.substr(0, end + 1);
  name.erase(0, name.rfind('/') + 1);
  if (name.empty()) return "peer";
  name.resize(std::min<std::size_t>(name.size(), kMaxPeerName - 4));  // room for ".99"
  if (name[0] == '.' || name[0] == '-') name[0] = '_';
  std::ranges::replace_if(name, [](char c) { return !is_name_letter(c); }, '_');
  return name;
}

void name_peers(Scenario& scenario) {
  std::set<std::string> taken;
  for (const Peer& peer : scenario.peers) taken.insert(peer.name);
  for (Peer& peer : scenario.peers) {
    if (!peer.name.empty()) continue;
    const std::string name = peer_name_of(peer.run.empty() ? "" : peer.run[0]);
    peer.name = name;
    for (std::size_t i = 2; !taken.insert(peer.name).second; ++i)
      peer.name = name + "." + std::to_string(i);
  }
}

std::string stranger_in(const Plan& plan, const Scenario& scenario) {
  for (const Deviation& deviation : plan)
    for (const std::string& task : {deviation.task, deviation.other}) {
      std::string peer = task.substr(0, task.find_first_of("/:"));  // a fork, a thread
      const auto is_it = [&](const Peer& one) { return one.name == peer; };
      if (!peer.empty() && std::ranges::none_of(scenario.peers, is_it)) return peer;
    }
  return "";
}

std::expected<Scenario, BadInput> scenario_of(std::span<const std::string> words) {
  const auto bad = [](std::string cause) {
    return std::unexpected(BadInput{"command line", 0, std::move(cause)});
  };
  Scenario scenario;
  std::vector<std::string> run;
  for (std::size_t i = 0; i <= words.size(); ++i) {
    if (i < words.size() && words[i] != "::") {
      run.push_back(words[i]);
      continue;
    }
    if (run.empty() || run[0].empty())
      return bad("peer " + std::to_string(scenario.peers.size() + 1) +
                 " has no program: write CMD ARGS :: CMD ARGS");
    scenario.peers.push_back({.name = "", .run = std::move(run), .input = "", .env = {}});
    run.clear();
  }
  if (scenario.peers.size() > kMaxPeers)
    return bad("more than " + std::to_string(kMaxPeers) + " peers");
  name_peers(scenario);
  for (const Peer& peer : scenario.peers)
    scenario.name += (scenario.name.empty() ? "" : "-") + peer.name;
  return scenario;
}

}  // namespace pipewrench
