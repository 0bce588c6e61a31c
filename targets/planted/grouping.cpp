// grouping < LINES: how well findings are grouped. Reads what `pipewrench import --json` printed of
// the planted bugs' artefacts; the folder of an artefact, or of its run, is its label. Signatures
// are made anew from the stored logs, so that a change of the rule needs no new import.
// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "reports/triage/signature.h"
#include "reports/triage/symptoms.h"

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Labelled {
  std::string bug, ours, frames;
  bool is_conducted = false;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string again(const Json& line) {
  const Json& files = line.at("artefacts");
  if (!files.contains("log")) {
    // The oracle's own words, where they are kept.
    const Json told = Json::parse(
        files.contains("finding") ? text_of(files.at("finding")) : std::string(), nullptr, false);
    const Json& from = told.is_object() && told.contains("signature") ? told : line;
    return pipewrench::signature_of(
        {.kind = from.at("kind"), .signature = from.at("signature"), .cause = "", .peers = {}},
        lines_of(files.contains("plan") ? text_of(files.at("plan")) : ""));
  }
  const auto crash = pipewrench::crash_of(text_of(files.at("log")));
  const std::string decoded = files.contains("operations") ? text_of(files.at("operations")) : "";
  return pipewrench::cause_of_kind(crash.kind) + " " +
         pipewrench::signature_of(crash, pipewrench::operations_in(decoded));
}

// Rules are chosen on one half of the bugs and measured on the other too: FNV-1a of the name.
bool is_held_back(const std::string& bug) {
  std::uint32_t hash = 2166136261;
  for (const char c : bug) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return hash % 2 != 0;
}

std::uint64_t pairs(std::uint64_t n) { return n * (n - 1) / 2; }

struct Score {
  std::size_t artefacts = 0, bugs = 0, groups = 0;
  double precision = 1, recall = 1;
};

Score score_of(const std::vector<Labelled>& all, std::string Labelled::* group) {
  std::map<std::string, std::uint64_t> bugs, groups;
  std::map<std::pair<std::string, std::string>, std::uint64_t> both;
  for (const Labelled& one : all) {
    ++bugs[one.bug];
    ++groups[one.*group];
    ++both[{one.bug, one.*group}];
  }
  std::uint64_t same_bug = 0, same_group = 0, same_both = 0;
  for (const auto& [name, count] : bugs) same_bug += pairs(count);
  for (const auto& [name, count] : groups) same_group += pairs(count);
  for (const auto& [name, count] : both) same_both += pairs(count);
  Score score{.artefacts = all.size(), .bugs = bugs.size(), .groups = groups.size()};
  if (same_group > 0)
    score.precision = static_cast<double>(same_both) / static_cast<double>(same_group);
  if (same_bug > 0) score.recall = static_cast<double>(same_both) / static_cast<double>(same_bug);
  return score;
}

void print(const char* what, const std::vector<Labelled>& all) {
  for (const auto& [rule, group] :
       {std::pair{"by cause", &Labelled::ours}, std::pair{"top three frames", &Labelled::frames}}) {
    const Score score = score_of(all, group);
    std::printf("%-22s %-17s %5zu artefacts %4zu bugs %4zu groups  precision %.4f  recall %.4f\n",
                what, rule, score.artefacts, score.bugs, score.groups, score.precision,
                score.recall);
  }
}

// Who is split and who is thrown together.
void explain(const std::vector<Labelled>& all) {
  std::map<std::string, std::map<std::string, int>> by_bug, by_group;
  for (const Labelled& one : all) ++by_bug[one.bug][one.ours], ++by_group[one.ours][one.bug];
  for (const auto& [bug, groups] : by_bug)
    if (groups.size() > 1) {
      std::printf("split: %s\n", bug.c_str());
      for (const auto& [group, count] : groups) std::printf("  %3d  %s\n", count, group.c_str());
    }
  for (const auto& [group, bugs] : by_group)
    if (bugs.size() > 1) {
      std::printf("together: %s\n", group.c_str());
      for (const auto& [bug, count] : bugs) std::printf("  %3d  %s\n", count, bug.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Labelled> all, fuzzed, conducted;
  for (std::string text; std::getline(std::cin, text);) {
    const Json line = Json::parse(text, nullptr, false);
    if (!line.is_object() || line.value("event", "") == "unstable") continue;
    const fs::path source = line.at("source").get<std::string>();
    const std::string target = line.at("target");
    const bool is_conducted = fs::exists(source / "plan.txt");
    const Json& cause = line.contains("within") ? line.at("within") : line;
    Labelled one{
        .bug =
            (is_conducted ? source.parent_path().parent_path() : source.parent_path()).filename(),
        .ours = target + ": " + again(cause),
        .frames = target + ": " + line.at("top_three").get<std::string>(),
        .is_conducted = is_conducted};
    (is_conducted ? conducted : fuzzed).push_back(one);
    all.push_back(std::move(one));
  }
  if (!fuzzed.empty()) print("inputs of fuzz targets", fuzzed);
  if (!conducted.empty()) print("plans of the conductor", conducted);
  print("all", all);
  std::vector<Labelled> halves[2];
  for (const Labelled& one : all) halves[is_held_back(one.bug) ? 1 : 0].push_back(one);
  print("  half chosen on", halves[0]);
  print("  half held back", halves[1]);
  if (argc > 1 && std::strcmp(argv[1], "-v") == 0) explain(all);
  if (argc > 1 && std::strcmp(argv[1], "-s") == 0)
    for (const Labelled& one : all) std::printf("%s\t%s\n", one.bug.c_str(), one.ours.c_str());
  return 0;
}
