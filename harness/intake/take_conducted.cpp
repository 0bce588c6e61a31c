// Take: what the conductor found. Its plan is run again by the pipewrench that takes it in.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "harness/intake/child.h"
#include "harness/intake/minimise.h"
#include "harness/intake/take.h"
#include "reports/store/store.h"
#include "reports/triage/causes.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t kMostFile_bytes = std::size_t{16} << 20;
constexpr std::uint32_t kReplayTimeout_ms = 120'000;
constexpr std::size_t kMostDeviations = 16;  // of a plan that is made smaller

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
  sort_by_cause(replay.findings);
  return replay;
}

using Lines = std::vector<std::string>;

std::string joined(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// A finding as its directory tells it, and what its scenario shows with other plans.
class Conducted {
 public:
  Conducted(Replayer& scratch, std::string pipewrench, std::string folder, Json told)
      : scratch_(scratch),
        pipewrench_(std::move(pipewrench)),
        folder_(std::move(folder)),
        told_(std::move(told)),
        scenario_(content_of(folder_ + "/scenario.toml", kMostFile_bytes).value_or("")) {}

  // Where it was written by another version, the same may be in other words.
  std::expected<Replay, std::string> as_given(const Lines& plan, const Symptom& told,
                                              std::uint32_t times) {
    const Lines words = {"--times", std::to_string(times)};
    auto given = replay({words[0], words[1], folder_});
    if (!given || given->same > 0 || given->findings.empty()) return given;
    const Symptom& first = given->findings.front();
    const bool is_same = first.kind == told.kind && signature_of(first) == signature_of(told);
    return is_same ? with(plan, first, words) : given;
  }

  // What is called first still has the same signature; `symptom` becomes the smallest plan's.
  Lines smallest(const Lines& plan, Symptom& symptom) {
    const std::string signature = signature_of(symptom);
    return smaller_plan(plan, [&](const Lines& other) {
      const auto shown = with(other, {}, {});
      if (!shown || shown->findings.empty()) return false;
      const Symptom& first = shown->findings.front();
      if (signature_of(first) != signature) return false;
      symptom = first;
      return true;
    });
  }

  // What the smallest part of the plan shows that fails as well, the part of that, and so on, if it
  // is stable. The calm run is none: what that shows would be in all. None: no part does.
  std::optional<std::pair<Lines, Symptom>> within(Lines plan, Symptom symptom) {
    std::optional<std::pair<Lines, Symptom>> found;
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (const Lines& part : parts_of(plan)) {
        const auto shown = with(part, {}, {});
        if (!shown || shown->findings.empty()) continue;
        Symptom other = shown->findings.front();
        if (signature_of(other) == signature_of(symptom) || !may_be_cause(other, symptom)) continue;
        Lines small = smallest(part, other);
        if (small.empty()) continue;
        plan = std::move(small);
        symptom = std::move(other);
        found = {plan, symptom};
        goes_on = true;
        break;
      }
    }
    return found;
  }

  // Its files with another plan, which tell of `symptom`. None: it does not repeat.
  std::vector<Artefact> files_with(const Lines& plan, const Symptom& symptom, std::uint32_t times) {
    const std::string kept = scratch_.directory() + "/kept";
    std::error_code error;
    fs::remove_all(kept, error);
    const auto shown = with(plan, symptom, {"--times", std::to_string(times), "--keep", kept});
    if (!shown || shown->same < times) return {};
    return files_in(kept, symptom.peers);
  }

  // What belongs together: written by one run.
  static std::vector<Artefact> files_in(const std::string& folder, const Lines& peers) {
    std::vector<Artefact> files;
    const auto add = [&](const char* role, const std::string& name) {
      if (auto content = content_of(folder + "/" + name, kMostFile_bytes))
        files.push_back(artefact_of(role, name, std::move(*content)));
    };
    for (const auto& [role, name] : kFiles) add(role, name);
    for (const std::string& peer : peers)
      for (const char* role : {"out", "err"}) add(role, fs::path(peer + "." + role).filename());
    return files;
  }

 private:
  std::expected<Replay, std::string> replay(const Lines& words) const {
    Lines all = {pipewrench_, "replay", "--json"};
    all.insert(all.end(), words.begin(), words.end());
    const auto run = run_child(all, {}, "/", {.timeout_ms = kReplayTimeout_ms});
    if (!run) return std::unexpected(run.error());
    return replay_of(run->output);
  }

  // In a directory like the finding's own, so that the same programs are found.
  std::expected<Replay, std::string> with(const Lines& plan, const Symptom& symptom, Lines words) {
    Json told = Json::object();
    for (const char* key : {"seed", "directory", "path"})
      if (told_.contains(key)) told[key] = told_[key];
    told["kind"] = symptom.kind;
    told["signature"] = symptom.signature;
    const bool is_kept = !scratch_.keep("plan.txt", joined(plan)).empty() &&
                         !scratch_.keep("scenario.toml", scenario_).empty() &&
                         !scratch_.keep("finding.json", told.dump()).empty();
    if (!is_kept) return std::unexpected(scratch_.directory() + ": cannot be written");
    words.push_back(scratch_.directory());
    return replay(words);
  }

  static constexpr std::array<std::pair<const char*, const char*>, 5> kFiles = {
      {{"plan", "plan.txt"},
       {"scenario", "scenario.toml"},
       {"trace", "trace.jsonl"},
       {"finding", "finding.json"},
       {"story", "README"}}};

  Replayer& scratch_;
  std::string pipewrench_, folder_;
  Json told_;
  std::string scenario_;
};

}  // namespace

void call_by_cause(const Symptom& symptom, const Lines& plan, FindingRecord& finding) {
  finding.kind = symptom.kind;
  finding.signature = signature_of(symptom, plan);
  finding.cause = sentence_of(symptom, plan);
  finding.peers = symptom.peers;
  // Of one cause may be a deadlock and a hang.
  const bool is_own = finding.signature == symptom.signature;
  finding.id = finding_id(finding.target, is_own ? finding.kind : "", finding.signature);
  const std::string before = signature_of(symptom, plan, Rule::before);
  finding.former_id = before == finding.signature ? "" : finding_id(finding.target, "", before);
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
  Conducted conducted(replayer_, options_.pipewrench, fs::absolute(item.path, error), json);
  const Lines given = words_at(json, "plan");
  const auto replay = conducted.as_given(
      given, {.kind = finding.kind, .signature = finding.signature, .cause = "", .peers = {}},
      kTimes);
  if (!replay) return std::unexpected(item.path + ": " + replay.error());
  Occurrence once{.tool = item.tool,
                  .source = item.path,
                  .repeated = replay->same,
                  .tried = kTimes,
                  .artefacts = {}};
  finding.unstable = once.repeated < once.tried;
  std::optional<std::pair<Lines, Symptom>> part;
  Lines plan = given;
  if (!finding.unstable && !finding.note && !replay->findings.empty()) {
    Symptom symptom = replay->findings.front();
    call_by_cause(symptom, plan, finding);
    if (options_.minimises && plan.size() <= kMostDeviations)
      plan = conducted.smallest(plan, symptom);
    const bool is_told = plan == given && symptom.signature == text_at(json, "signature");
    if (!is_told) once.artefacts = conducted.files_with(plan, symptom, kTimes);
    if (once.artefacts.empty())
      plan = given;
    else
      call_by_cause(symptom, plan, finding);
    if (options_.minimises && plan.size() <= kMostDeviations)
      part = conducted.within(plan, symptom);
  }
  once.size = plan.size();
  if (once.artefacts.empty()) once.artefacts = Conducted::files_in(item.path, finding.peers);
  if (plan != given)
    once.artefacts.push_back(artefact_of("original", "plan.txt.original", joined(given)));
  finding.occurrences.push_back(std::move(once));
  if (part) {
    FindingRecord cause = finding;
    Occurrence& other = cause.occurrences.front();
    call_by_cause(part->second, part->first, cause);
    other.size = part->first.size();
    other.artefacts = conducted.files_with(part->first, part->second, kTimes);
    if (!other.artefacts.empty() && cause.id != finding.id) {
      keep_whole(finding, cause);
      taken.within = std::move(cause);
    }
  }
  return taken;
}

}  // namespace pipewrench
