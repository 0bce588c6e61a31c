// pipewrench import: takes in what fuzzers, sanitizers and the conductor left, one line an item.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/cli/commands.h"
#include "harness/cli/record.h"
#include "harness/cli/store.h"
#include "harness/core/printable.h"
#include "harness/intake/take.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

struct Tally {
  std::uint64_t items = 0, fresh = 0, failed = 0;
};

std::string self() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error);
}

// The stored input, as a path for a person.
std::string path_in(const std::string& out, const std::string& content) {
  const std::string hash = content_hash(content);
  return out + "/artefacts/" + hash.substr(0, 2) + "/" + hash.substr(2);
}

void add_commands(const std::string& out, const std::string& program, FindingRecord& finding) {
  const Occurrence& once = finding.occurrences.front();
  if (once.tool == "conductor") {
    finding.replay = "pipewrench replay " + shell_word(once.source);
    return;
  }
  const auto input = std::ranges::find(once.artefacts, "input", &Artefact::role);
  if (program.empty() || input == once.artefacts.end()) return;
  const std::string words = shell_word(program) + " " + shell_word(path_in(out, input->content));
  finding.replay = words;
  finding.gdb = "gdb --args " + words;
}

std::string one_line(const std::string& text) {
  constexpr std::size_t kMostShown = 200;
  std::string line = plain(text.substr(0, kMostShown));
  std::ranges::replace(line, '\n', ' ');
  return line;
}

class Import {
 public:
  Import(const Arguments& arguments, FindingStore store, Taker taker, std::int64_t run)
      : arguments_(arguments), store_(std::move(store)), taker_(std::move(taker)), run_(run) {}

  // False: the store cannot be written.
  bool take(const Item& item) {
    ++tally_.items;
    auto taken = taker_.take(item);
    if (!taken) {
      ++tally_.failed;
      complain(Exit::usage, printable(taken.error()));
      return true;
    }
    FindingRecord& finding = taken->finding;
    if (finding.id.empty()) finding.id = finding_id(finding);
    if (!keep_names(*taken)) return false;
    const auto at_ms = wall_clock_ms();
    const auto store = [&](FindingRecord& one, const std::string& cause) {
      one.occurrences.front().run = run_;
      one.occurrences.front().at_ms = at_ms;
      add_commands(arguments_.out, taken->program, one);
      auto standing = store_.take(one, cause);
      if (!standing) complain(standing.error());
      return standing;
    };
    if (taken->within && !store(*taken->within, "")) return false;
    const auto standing = store(finding, taken->within ? taken->within->id : "");
    if (!standing) return false;
    // Of what came several times in this run the first is the news.
    const bool is_first = seen_.insert(taken->within ? taken->within->id : finding.id).second;
    const bool is_new = is_news(*standing);
    finding.standing = *standing;
    if (is_first && counts(finding)) ++tally_.fresh;
    const std::string word = finding.unstable      ? "unstable"
                             : !is_new || is_first ? name(*standing)
                                                   : "again";
    print(item, *taken, word);
    return true;
  }

  Exit end(const RunRecord& begun, double seconds) {
    RunRecord run = begun;
    run.id = run_;
    run.seconds = seconds;
    run.executions = tally_.items;
    run.outcome = "ended";
    if (const auto ended = arguments_.run == 0 ? store_.end(run) : Stored<void>(); !ended)
      return complain(ended.error());
    if (!arguments_.json)
      fmt::print("{} taken in, {} new; pipewrench findings list --store {}\n",
                 tally_.items - tally_.failed, tally_.fresh, plain(shell_word(arguments_.out)));
    if (tally_.failed > 0) return Exit::usage;
    return tally_.fresh > 0 ? Exit::findings : Exit::nothing;
  }

 private:
  // What was told in an earlier run goes by the name that it had then: that of the version before,
  // or its own, although by now a cause of this very input is seen. False: no store can be read.
  bool keep_names(Taken& taken) {
    for (FindingRecord* one : {&taken.finding, taken.within ? &*taken.within : nullptr}) {
      if (one == nullptr) continue;
      auto id = store_.id_for(*one);
      if (!id) return complain(id.error()), false;
      one->id = std::move(*id);
    }
    if (!taken.within) return true;
    const auto was_told = store_.was_told(taken.finding);
    const auto is_there = store_.is_there(taken.within->id);
    if (!was_told || !is_there) return complain((was_told ? is_there : was_told).error()), false;
    if ((*was_told && !*is_there) || taken.within->id == taken.finding.id) taken.within.reset();
    return true;
  }

  nlohmann::ordered_json files_of(const Occurrence& once) const {
    auto files = nlohmann::ordered_json::object();
    for (const Artefact& artefact : once.artefacts)
      files[artefact.role] = path_in(arguments_.out, artefact.content);
    return files;
  }

  void print(const Item& item, const Taken& taken, const std::string& word) {
    const FindingRecord& finding = taken.finding;
    const Occurrence& once = finding.occurrences.front();
    if (!arguments_.json) {
      const std::string often = !finding.unstable ? ""
                                : once.tried == 0
                                    ? " (cannot be run again)"
                                    : fmt::format(" ({} of {} runs)", once.repeated, once.tried);
      fmt::print("{:<9} {} {}{}: {}\n", word, finding.id, printable(finding.kind), often,
                 one_line(finding.cause));
    } else {
      nlohmann::ordered_json json = {{"event", word},
                                     {"id", finding.id},
                                     {"target", finding.target},
                                     {"kind", finding.kind},
                                     {"signature", finding.signature},
                                     {"cause", finding.cause},
                                     {"top_three", taken.top_three},
                                     {"source", item.path},
                                     {"repeated", once.repeated},
                                     {"tried", once.tried},
                                     {"size", once.size},
                                     {"sanitizer", once.sanitizer},
                                     {"artefacts", files_of(once)}};
      if (taken.within)
        json["within"] = {{"id", taken.within->id},
                          {"kind", taken.within->kind},
                          {"signature", taken.within->signature},
                          {"cause", taken.within->cause},
                          {"artefacts", files_of(taken.within->occurrences.front())}};
      fmt::print("{}\n",
                 json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
    }
    std::fflush(stdout);
  }

  const Arguments& arguments_;
  FindingStore store_;
  Taker taker_;
  std::int64_t run_;
  Tally tally_;
  std::set<std::string> seen_;
};

}  // namespace

Exit import_command(const Arguments& arguments) {
  std::vector<Item> items;
  for (const std::string& path : arguments.paths) {
    const auto found = items_at(path);
    if (!found) return complain(Exit::usage, printable(found.error()));
    items.insert(items.end(), found->begin(), found->end());
  }
  if (!arguments.target.empty())
    if (const auto program = program_at(arguments.target); !program)
      return complain(Exit::usage, printable(program.error()));
  auto store = FindingStore::open(arguments.out, FindingStore::Missing::is_made);
  if (!store) return complain(store.error());
  if (arguments.run != 0)
    if (const auto there = check_run(*store, arguments.run); !there) return complain(there.error());
  auto replayer = Replayer::make(arguments.out);
  if (!replayer) return complain(Exit::environment, printable(replayer.error()));
  RunRecord record;
  record.what = "import";
  record.flags = arguments.target.empty() ? "" : "--target " + shell_word(arguments.target);
  record.started_ms = wall_clock_ms();
  const auto run = arguments.run == 0 ? store->begin(record) : Stored<std::int64_t>(arguments.run);
  if (!run) return complain(run.error());
  Import import(arguments, std::move(*store),
                Taker(std::move(*replayer), {.target = arguments.target, .pipewrench = self()}),
                *run);
  const auto begun = std::chrono::steady_clock::now();
  for (const Item& item : items)
    if (!import.take(item)) return Exit::environment;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return import.end(record, took.count());
}

}  // namespace pipewrench
