// pipewrench bench: what is found in programs with one known bug each, how soon, and what is said
// of the twins in which it is mended. Must not judge a find by anything but its kind.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/cli/commands.h"
#include "harness/cli/load.h"
#include "harness/cli/native.h"
#include "harness/cli/watch.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = "corpus/scenarios/planted";
constexpr std::uint64_t kTwinPart = 20;  // the twin gets this part of the budget or the runs

constexpr const char* kPrograms = "targets/planted/programs";

// Folders above the program itself: those of its build, then those of the checkout it lies in.
std::vector<fs::path> folders_above() {
  std::vector<fs::path> folders;
  std::error_code error;
  fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (; folder.has_relative_path(); folder = folder.parent_path()) folders.push_back(folder);
  return folders;
}

// The first of them that has such a folder; `below` itself if none has.
std::string find_above(const fs::path& below) {
  std::error_code error;
  for (const fs::path& folder : folders_above())
    if (fs::is_directory(folder / below, error)) return folder / below;
  return below;
}

std::string planted_scenarios() {
  std::error_code error;
  return fs::is_directory(kFolder, error) ? kFolder : find_above(kFolder);
}

// The programs of its own build come last in PATH: what the user has put there is his wish. In the
// checkout a folder of that name holds the sources.
void add_own_programs() {
  const char* path = std::getenv("PATH");
  const std::string longer = (path == nullptr ? "" : path) + (":" + find_above(kPrograms));
  ::setenv("PATH", longer.c_str(), 1);
}

// Kinds that one cause can show as, by what else happens in the run.
constexpr std::array<std::array<std::string_view, 5>, 3> kFamilies = {{
    {"hang", "deadlock", "lost_signal"},
    {"lost_data", "torn_data", "duplicated_data", "output", "exit_status"},
    {"crash", "signal_death"},
}};

bool is_akin(std::string_view kind, std::string_view planted) {
  return kind == planted || std::ranges::any_of(kFamilies, [&](const auto& family) {
           return std::ranges::find(family, kind) != family.end() &&
                  std::ranges::find(family, planted) != family.end();
         });
}

// What one search gave.
struct Hunt {
  bool found = false;  // of the kind that was planted, or akin to it
  std::string kind{};
  std::vector<std::string> others{};  // kinds that were found besides
  std::vector<std::string> causes{};  // their signatures
  std::size_t deviations = 0;
  std::uint64_t runs = 0;
  double seconds = 0;
  std::string error{};
};

struct Result {
  Scenario scenario;
  std::map<std::string, Hunt> hunts;  // "explore" and each baseline
  Hunt twin;
};

// Of a search; 0: no bound of that sort.
struct Bounds {
  std::uint64_t budget_ms = 0, runs = 0;
};

// Ends the search at the first finding of that kind; kind "": at none.
class Hunter final : public Watcher {
 public:
  Hunter(std::string kind, const Bounds& bounds, Interrupts& interrupts)
      : kind_(std::move(kind)), budget_(bounds.budget_ms), interrupts_(interrupts) {}

  bool go_on(const Progress&) override {
    const bool in_time = budget_.count() == 0 || Clock::now() - start_ < budget_;
    return !hunt_.found && in_time && !interrupts_.came();
  }
  void found(const Finding& finding) override {
    if (finding.note || hunt_.found) return;
    if (!is_akin(finding.kind, kind_)) {
      hunt_.others.push_back(finding.kind);
      hunt_.causes.push_back(finding.kind + ": " + finding.signature);
      return;
    }
    hunt_.found = true;
    hunt_.kind = finding.kind;
    hunt_.deviations = finding.plan.size();
    hunt_.runs = finding.runs;
    hunt_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  }
  Hunt take(const Exploration& exploration) {
    if (!hunt_.found) hunt_.runs = exploration.progress.runs;
    if (!exploration.errors.empty()) hunt_.error = exploration.errors.front();
    return std::move(hunt_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::string kind_;
  std::chrono::milliseconds budget_;
  Interrupts& interrupts_;
  Clock::time_point start_ = Clock::now();
  Hunt hunt_;
};

class Bench {
 public:
  Bench(const Arguments& arguments, Interrupts& interrupts)
      : arguments_(arguments), interrupts_(interrupts) {}

  Exit run() {
    if (bounds_.budget_ms == 0 &&
        std::ranges::find(arguments_.baselines, "native") != arguments_.baselines.end())
      return complain(Exit::usage, "--baseline native needs a --budget");
    const std::string folder =
        arguments_.subject.empty() ? planted_scenarios() : arguments_.subject;
    add_own_programs();
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".toml" &&
          entry.path().stem().string().find(arguments_.filter) != std::string::npos)
        files.push_back(entry.path());
    if (error) return complain(Exit::usage, folder + ": " + error.message());
    if (files.empty()) return complain(Exit::usage, folder + ": no scenario of that name");
    std::ranges::sort(files);
    for (const std::string& file : files) {
      if (interrupts_.came()) break;
      if (const Exit exit = one(file); exit != Exit::nothing) return exit;
    }
    summarise();
    const auto missed = [](const Result& r) { return !r.hunts.at("explore").found; };
    const auto alarmed = [](const Result& r) { return !r.twin.others.empty(); };
    const bool good =
        std::ranges::none_of(results_, missed) && std::ranges::none_of(results_, alarmed);
    return good ? Exit::nothing : Exit::findings;
  }

 private:
  Exit one(const std::string& file) {
    Arguments arguments = arguments_;
    arguments.subject = file;
    const auto scenario = load_scenario(arguments);
    if (!scenario)
      return complain(Exit::usage,
                      scenario.error().text() + " (the build target planted_programs makes them)");
    if (scenario->planted.kind.empty()) return Exit::nothing;
    Result result{.scenario = *scenario, .hunts = {}, .twin = {}};
    result.hunts["explore"] = hunt(*scenario, {}, scenario->planted.kind, bounds_);
    for (const std::string& baseline : arguments_.baselines) {
      const auto strategy = strategy_of(baseline);
      result.hunts[baseline] = strategy
                                   ? hunt(*scenario, {*strategy}, scenario->planted.kind, bounds_)
                                   : hunt_plainly(*scenario);
    }
    const Bounds part{bounds_.budget_ms / kTwinPart, bounds_.runs / kTwinPart};
    result.twin = hunt(twin_of(*scenario), {}, "", part);
    tell(result);
    results_.push_back(std::move(result));
    return Exit::nothing;
  }

  static std::optional<StrategyKind> strategy_of(const std::string& name) {
    if (name == "sweep") return StrategyKind::sweep;
    if (name == "pct") return StrategyKind::pct;
    if (name == "random") return StrategyKind::random;
    return {};
  }

  static Scenario twin_of(Scenario scenario) {
    scenario.name += "_fixed";
    for (Peer& peer : scenario.peers) peer.run.front() += "_fixed";
    return scenario;
  }

  Hunt hunt(const Scenario& scenario, const std::vector<StrategyKind>& strategies,
            const std::string& kind, const Bounds& bounds) {
    const ConductorOptions conductor{.namespaces = arguments_.namespaces, .seed = arguments_.seed};
    Hunter hunter(kind, bounds, interrupts_);
    auto pool = start_search(scenario, conductor, arguments_.jobs);
    if (!pool) {
      Hunt failed;
      failed.error = pool.error();
      return failed;
    }
    ExploreOptions options{.seed = arguments_.seed};
    if (!strategies.empty()) options.strategies = strategies;
    if (bounds.runs > 0) options.runs = bounds.runs;
    const Exploration exploration = explore(**pool, options, hunter);
    return hunter.take(exploration);
  }

  Hunt hunt_plainly(const Scenario& scenario) const {
    const auto start = std::chrono::steady_clock::now();
    const NativeHunt native =
        hunt_natively(scenario, std::chrono::milliseconds(arguments_.budget_ms));
    Hunt hunt;
    hunt.found = native.found;
    hunt.runs = native.runs;
    hunt.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    hunt.error = native.error;
    return hunt;
  }

  static std::string cell(const Hunt& hunt, const std::string& kind) {
    if (!hunt.error.empty()) return "error: " + hunt.error;
    const std::string as = hunt.kind.empty() || hunt.kind == kind ? "" : ", as " + hunt.kind;
    if (hunt.found) return fmt::format("{:.2f} s, {} runs{}", hunt.seconds, hunt.runs, as);
    std::string text = fmt::format("no, {} runs", hunt.runs);
    if (!hunt.others.empty()) text += ", but " + hunt.others.front();
    return text;
  }

  void tell(const Result& result) const {
    const Planted& planted = result.scenario.planted;
    const Hunt& hunt = result.hunts.at("explore");
    if (arguments_.json) {
      fmt::print("{}\n", json_of(result).dump());
    } else {
      fmt::print("{:<20} {:<16} {}/{}  {:<26}", result.scenario.name, planted.kind,
                 hunt.found ? std::to_string(hunt.deviations) : "-", planted.deviations,
                 cell(hunt, planted.kind));
      for (const std::string& baseline : arguments_.baselines)
        fmt::print("  {}: {:<22}", baseline, cell(result.hunts.at(baseline), planted.kind));
      fmt::print("  twin: {}\n",
                 result.twin.others.empty() ? "silent" : result.twin.causes.front());
      if (!result.twin.error.empty()) fmt::print("  twin error: {}\n", plain(result.twin.error));
    }
    std::fflush(stdout);
  }

  static nlohmann::json json_of(const Hunt& hunt) {
    return {{"found", hunt.found}, {"kind", hunt.kind},       {"deviations", hunt.deviations},
            {"runs", hunt.runs},   {"seconds", hunt.seconds}, {"others", hunt.causes},
            {"error", hunt.error}};
  }

  static nlohmann::json json_of(const Result& result) {
    nlohmann::json hunts;
    for (const auto& [name, hunt] : result.hunts) hunts[name] = json_of(hunt);
    return {{"name", result.scenario.name},
            {"class", result.scenario.planted.category},
            {"kind", result.scenario.planted.kind},
            {"deviations", result.scenario.planted.deviations},
            {"hunts", hunts},
            {"twin", json_of(result.twin)}};
  }

  void summarise() const {
    std::vector<double> seconds;
    std::size_t alarms = 0;
    for (const Result& result : results_) {
      const Hunt& hunt = result.hunts.at("explore");
      if (hunt.found) seconds.push_back(hunt.seconds);
      if (!result.twin.others.empty()) ++alarms;
    }
    std::ranges::sort(seconds);
    double total = 0;
    for (const double s : seconds) total += s;
    const double median = seconds.empty() ? 0 : seconds[seconds.size() / 2];
    if (arguments_.json) {
      fmt::print("{}\n", nlohmann::json{{"programs", results_.size()},
                                        {"found", seconds.size()},
                                        {"false_alarms", alarms},
                                        {"median_seconds", median},
                                        {"seconds", total}}
                             .dump());
      return;
    }
    fmt::print(
        "found {} of {}, median {:.2f} s, all together {:.1f} s; false alarms on {} of {} twins\n",
        seconds.size(), results_.size(), median, total, alarms, results_.size());
  }

  const Arguments& arguments_;
  Interrupts& interrupts_;
  const Bounds bounds_{arguments_.budget_ms, arguments_.runs};
  std::vector<Result> results_;
};

}  // namespace

Exit bench_command(const Arguments& arguments) {
  Interrupts interrupts;
  return Bench(arguments, interrupts).run();
}

}  // namespace pipewrench
