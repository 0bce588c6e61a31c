// pipewrench explore: tries plans until the budget ends, tells and stores what it finds.
// SPDX-License-Identifier: MIT
#include "harness/explore/explore.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "harness/cli/commands.h"
#include "harness/cli/json.h"
#include "harness/cli/load.h"
#include "harness/cli/record.h"
#include "harness/cli/store.h"
#include "harness/cli/watch.h"
#include "harness/finding/story.h"

namespace pipewrench {
namespace {

// Tells each finding as it comes and stores it.
class Teller {
 public:
  Teller(const Arguments& arguments, const Scenario& scenario, const Store& store,
         SearchRecord& record)
      : arguments_(arguments), scenario_(scenario), store_(store), record_(record) {}

  void tell(const Finding& finding) {
    const bool counts = !finding.note || arguments_.strict;
    if (counts) {
      if (const auto wrote = store_.write(finding, scenario_); !wrote) error_ = wrote.error();
      last_replay_ = store_.replay_of(finding);
    }
    const auto taken = record_.take(finding, counts ? store_.replay_of(finding) : "");
    if (!taken && !error_) error_ = taken.error().text;
    if (arguments_.json) {
      fmt::print("{}\n", found_json(finding, [&](const auto& f) { return store_.replay_of(f); }));
    } else if (finding.note) {
      fmt::print("{} {}{}: {}\n", paint(arguments_, Ink::yellow, "note:"),
                 finding.unstable ? "unstable: " : "", finding.kind, plain(finding.explanation));
    } else {
      const std::string text = story(finding, scenario_, store_.replay_of(finding), ladder_style());
      const std::size_t title = std::min(text.find('\n'), text.size());
      fmt::print("\n{}{}\n", paint(arguments_, Ink::red, text.substr(0, title)),
                 text.substr(title));
    }
    std::fflush(stdout);
  }
  const std::optional<std::string>& error() const { return error_; }
  const std::string& last_replay() const { return last_replay_; }

 private:
  const Arguments& arguments_;
  const Scenario& scenario_;
  const Store& store_;
  SearchRecord& record_;
  std::optional<std::string> error_;
  std::string last_replay_;
};

std::string strategies_of(const Arguments& arguments) {
  constexpr const char* kNames[] = {"sweep", "pct", "random"};
  std::string list;
  for (const StrategyKind kind : arguments.strategies)
    list += (list.empty() ? "" : ",") + std::string(kNames[static_cast<std::size_t>(kind)]);
  return list;
}

// All that a search depends on.
std::string command_of(const Arguments& arguments) {
  std::string command = "pipewrench explore";
  if (!arguments.subject.empty()) command += " " + shell_word(arguments.subject);
  command += fmt::format(" --seed {}", arguments.seed);
  if (arguments.out != Arguments{}.out) command += " --out " + shell_word(arguments.out);
  if (!arguments.strategies.empty()) command += " --strategy " + strategies_of(arguments);
  if (arguments.realism != Realism::linux_)
    command += " --realism " + realism_name(arguments.realism);
  if (arguments.strict) command += " --strict";
  if (arguments.tty) command += " --tty";
  if (!arguments.namespaces) command += " --no-namespaces";
  if (arguments.runs > 0) command += fmt::format(" --runs {}", arguments.runs);
  if (arguments.budget_ms > 0) command += fmt::format(" --budget {}ms", arguments.budget_ms);
  if (!arguments.words.empty()) command += " --";
  for (const std::string& word : arguments.words) command += " " + shell_word(word);
  return command;
}

void tell_end(const Arguments& arguments, const Exploration& exploration, double seconds,
              const Teller& teller, const SearchRecord::Causes& causes) {
  const Progress& progress = exploration.progress;
  const std::uint64_t runs = arguments.runs > 0 ? arguments.runs : progress.runs;
  const std::string beyond =
      progress.runs <= runs
          ? ""
          : fmt::format(", {} of them to make sure of the last", progress.runs - runs);
  const std::string told = causes.findings == progress.findings
                               ? ""
                               : fmt::format(" (findings told in {} stories)", progress.findings);
  fmt::print("\n{} findings, {} notes{}; {} runs in {:.1f} s ({:.0f}/s){}, {} steps, {} behaviours",
             causes.findings, causes.notes, told, progress.runs, seconds,
             static_cast<double>(progress.runs) / seconds, beyond, progress.steps,
             progress.behaviours);
  fmt::print("{}\n", progress.unmanaged == 0
                         ? ""
                         : fmt::format(", {} not wholly under control", progress.unmanaged));
  if (progress.unmanaged > 0) fmt::print("{}\n", unmanaged_line(exploration.unmanaged));
  for (const std::string& remark : exploration.remarks) fmt::print("remark: {}\n", plain(remark));
  fmt::print("{}\n", teller.last_replay().empty() ? "again: " + command_of(arguments)
                                                  : "replay: " + teller.last_replay());
}

std::string outcome_of(const Exploration& exploration, Interrupts& interrupts) {
  if (!exploration.errors.empty()) return "failed: " + exploration.errors.front();
  return interrupts.came() ? "stopped" : "ended";
}

}  // namespace

Exit explore_command(const Arguments& arguments) {
  const auto loaded = load_scenario(arguments);
  if (!loaded) return complain(Exit::usage, loaded.error().text());
  warn_of_files(arguments, *loaded);
  const auto store = Store::open(arguments.out, arguments.seed);
  if (!store) return complain(Exit::environment, store.error());
  Interrupts interrupts;
  auto pool = start_search(*loaded, {.namespaces = arguments.namespaces, .seed = arguments.seed},
                           arguments.jobs);
  if (!pool) return complain(Exit::environment, pool.error());
  const Scenario& scenario = (*pool)->scenario();
  if (arguments.json) {
    fmt::print("{}\n", start_json(scenario, arguments.seed));
  } else {
    fmt::print("seed={} scenario={} realism={} jobs={}\n", arguments.seed, plain(scenario.name),
               realism_name(arguments.realism), arguments.jobs);
  }
  std::fflush(stdout);

  auto record = SearchRecord::begin(arguments, scenario);
  if (!record) return complain(record.error());
  Teller teller(arguments, scenario, *store, *record);
  Watch watch(arguments, interrupts, [&](const Finding& finding) { teller.tell(finding); });
  ExploreOptions options{.realism = arguments.realism, .seed = arguments.seed};
  if (!arguments.strategies.empty()) options.strategies = arguments.strategies;
  if (arguments.runs > 0) options.runs = arguments.runs;
  const Exploration exploration = explore(**pool, options, watch);
  const double seconds = watch.seconds();
  watch.clear();

  const auto ended =
      record->end(exploration.progress, seconds, outcome_of(exploration, interrupts));
  if (arguments.json) {
    fmt::print("{}\n", explore_json(exploration, seconds, [&](const Finding& finding) {
                 return store->replay_of(finding);
               }));
  } else {
    tell_end(arguments, exploration, seconds, teller, record->causes());
  }
  for (const std::string& error : exploration.errors) complain(Exit::harness, error);
  if (teller.error()) return complain(Exit::environment, *teller.error());
  if (!ended) return complain(Exit::environment, ended.error().text);
  const Progress& progress = exploration.progress;
  if (progress.findings > 0 || (arguments.strict && progress.notes > 0)) return Exit::findings;
  return exploration.errors.empty() ? Exit::nothing : Exit::harness;
}

}  // namespace pipewrench
