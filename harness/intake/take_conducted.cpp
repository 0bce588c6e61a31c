// Take: what the conductor found. Its plan is run again by the pipewrench that takes it in.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/intake/child.h"
#include "harness/intake/take.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostFile_bytes = std::size_t{16} << 20;
constexpr std::uint32_t kReplayTimeout_ms = 120'000;
constexpr std::size_t kMostDeviations = 16;  // of a plan that is made smaller

// What a run shows is one cause: it is called by the first of these that it shows.
constexpr std::array<std::string_view, 16> kWorstFirst = {"crash",          "wild_kill",
                                                          "signal_death",   "deadlock",
                                                          "lost_signal",    "hang",
                                                          "spin",           "torn_data",
                                                          "lost_data",      "duplicated_data",
                                                          "world_writable", "leak",
                                                          "exit_status",    "output",
                                                          "zombie",         ""};

struct Symptom {
  std::string kind, signature, cause;
  std::vector<std::string> peers;
};
struct Replay {
  std::uint32_t same = 0;
  std::vector<Symptom> findings;  // worst first
};

std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The scenario's name as the conductor wrote it; else the peers that it is of.
std::string scenario_of(const std::string& folder, const std::vector<std::string>& peers) {
  constexpr std::string_view kName = "\nname = \"";
  const auto text = content_of(folder + "/scenario.toml", kMostFile_bytes);
  const std::string all = text ? "\n" + *text : std::string();
  const std::size_t at = all.find(kName);
  if (at != std::string::npos && at < all.find("\n[[peer]]")) {
    const std::size_t begin = at + kName.size();
    return all.substr(begin, all.find('"', begin) - begin);
  }
  std::string names;
  for (const std::string& peer : peers) names += (names.empty() ? "" : "+") + peer;
  return names;
}

std::vector<std::string> words_at(const Json& json, const char* key) {
  std::vector<std::string> words;
  const auto found = json.find(key);
  if (found == json.end() || !found->is_array()) return words;
  for (const Json& word : *found)
    if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

std::size_t rank_of(const Symptom& symptom) {
  return static_cast<std::size_t>(std::ranges::find(kWorstFirst, symptom.kind) -
                                  kWorstFirst.begin());
}

std::expected<Replay, std::string> replay_of(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("replays"))
    return std::unexpected(text.substr(0, text.find('\n')));
  Replay replay{.same = json["replays"].value("same", 0U), .findings = {}};
  for (const Json& verdict : json.value("verdicts", Json::array()))
    if (verdict.is_object() && text_at(verdict, "severity") == "finding")
      replay.findings.push_back({.kind = text_at(verdict, "kind"),
                                 .signature = text_at(verdict, "signature"),
                                 .cause = text_at(verdict, "explanation"),
                                 .peers = words_at(verdict, "peers")});
  std::ranges::sort(replay.findings, [](const Symptom& one, const Symptom& other) {
    return std::pair(rank_of(one), one.signature) < std::pair(rank_of(other), other.signature);
  });
  return replay;
}

void call_it(const Symptom& symptom, FindingRecord& finding) {
  finding.kind = symptom.kind;
  finding.signature = symptom.signature;
  finding.cause = symptom.cause;
  finding.peers = symptom.peers;
}

// Deviations that are plainer than this one, the plainest first: earlier, and shorter.
std::vector<std::string> plainer_lines(const std::string& line) {
  constexpr std::string_view kShort = " short ";
  constexpr unsigned long kMostEarlier = 6;
  std::vector<std::string> shorter = {line}, all;
  if (const std::size_t at = line.find(kShort); at != std::string::npos)
    shorter.insert(shorter.begin(), line.substr(0, at + kShort.size()) + "1");
  const std::size_t hash = line.find('#');
  const std::size_t end = std::min(line.find(' ', hash), line.size());
  const unsigned long now =
      hash == std::string::npos ? 1 : std::strtoul(line.c_str() + hash + 1, nullptr, 10);
  for (unsigned long number = 1; number <= std::min(now, kMostEarlier); ++number)
    for (const std::string& text : shorter) {
      std::string other = text;
      if (hash != std::string::npos)
        other.replace(hash + 1, end - hash - 1, std::to_string(number));
      if (other == line) return all;
      all.push_back(std::move(other));
    }
  return all;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

// What shows with other deviations than its own becomes what the finding is called by.
bool Taker::shows_something(const std::string& scenario,
                            const std::vector<std::string>& environment,
                            const std::vector<std::string>& plan, FindingRecord& finding) {
  const std::string path = replayer_.keep("plan.txt", joined(plan));
  if (path.empty() || replayer_.keep("scenario.toml", scenario).empty()) return false;
  const auto run = run_child({options_.pipewrench, "replay", "--json", path}, environment,
                             replayer_.directory(), {.timeout_ms = kReplayTimeout_ms});
  const auto replay = run ? replay_of(run->output) : std::unexpected(run.error());
  if (!replay || replay->findings.empty()) return false;
  call_it(replay->findings.front(), finding);
  return true;
}

// The plan without deviations that only change who notices, and with plainer ones: as with inputs,
// every deviation that is left is needed, so what is found still has the same cause.
void Taker::plainer_plan(const std::string& folder, const std::vector<std::string>& environment,
                         std::vector<std::string>& plan, FindingRecord& finding) {
  const auto scenario = content_of(folder + "/scenario.toml", kMostFile_bytes);
  if (!scenario || !options_.minimises || plan.size() > kMostDeviations) return;
  for (std::size_t i = plan.size(); i-- > 0;) {
    std::vector<std::string> fewer = plan;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    if (shows_something(*scenario, environment, fewer, finding)) plan = std::move(fewer);
  }
  for (std::size_t i = 0; i < plan.size(); ++i)
    for (const std::string& line : plainer_lines(plan[i])) {
      std::vector<std::string> other = plan;
      other[i] = line;
      if (!shows_something(*scenario, environment, other, finding)) continue;
      plan = std::move(other);
      break;
    }
}

std::expected<Taken, std::string> Taker::take_conducted(const Item& item) {
  const auto text = content_of(item.path + "/finding.json", kMostFile_bytes);
  if (!text) return std::unexpected(text.error());
  const Json json = Json::parse(*text, nullptr, false);
  Taken taken;
  FindingRecord& finding = taken.finding;
  if (!json.is_object() || text_at(json, "kind").empty())
    return std::unexpected(item.path + "/finding.json: not a finding of the conductor");
  finding.kind = text_at(json, "kind");
  finding.signature = text_at(json, "signature");
  finding.cause = text_at(json, "explanation");
  finding.peers = words_at(json, "peers");
  finding.realism = text_at(json, "realism");
  const auto note = json.find("note");
  finding.note = note != json.end() && note->is_boolean() && note->get<bool>();
  finding.target = scenario_of(item.path, finding.peers);
  taken.top_three = finding.kind;  // it has no stack
  std::error_code error;
  const auto run = run_child({options_.pipewrench, "replay", "--json", "--times",
                              std::to_string(kTimes), fs::absolute(item.path, error)},
                             {}, "/", {.timeout_ms = kReplayTimeout_ms});
  if (!run) return std::unexpected(run.error());
  const auto replay = replay_of(run->output);
  if (!replay) return std::unexpected(item.path + ": " + replay.error());
  Occurrence once{.tool = item.tool,
                  .source = item.path,
                  .repeated = replay->same,
                  .tried = kTimes,
                  .artefacts = {}};
  finding.unstable = once.repeated < once.tried;
  std::vector<std::string> plan = words_at(json, "plan");
  if (!finding.unstable && !finding.note) {
    if (!replay->findings.empty()) call_it(replay->findings.front(), finding);
    const std::string path = text_at(json, "path");
    plainer_plan(item.path, path.empty() ? std::vector<std::string>{} : std::vector{"PATH=" + path},
                 plan, finding);
  }
  once.size = plan.size();
  once.artefacts.push_back(artefact_of("plan", "plan.txt", joined(plan)));
  for (const auto& [role, name] :
       {std::pair{"scenario", "scenario.toml"}, {"trace", "trace.jsonl"}, {"story", "README"}})
    if (auto content = content_of(item.path + "/" + name, kMostFile_bytes))
      once.artefacts.push_back(artefact_of(role, name, std::move(*content)));
  for (const std::string& peer : finding.peers)
    for (const char* role : {"out", "err"}) {
      const std::string name = fs::path(peer + "." + role).filename();
      if (auto content = content_of(item.path + "/" + name, kMostFile_bytes))
        once.artefacts.push_back(artefact_of(role, name, std::move(*content)));
    }
  finding.occurrences.push_back(std::move(once));
  return taken;
}

}  // namespace pipewrench
