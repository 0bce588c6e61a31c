// SPDX-License-Identifier: MIT
#include "harness/cli/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <ranges>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "harness/core/printable.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kDefaultBudget_ms = 30'000;
constexpr std::size_t kShown = 60;  // bytes of a word that is wrong
constexpr const char* kWherePeersGo =
    "; programs come after --: pipewrench explore -- CMD ARGS :: CMD ARGS";
constexpr std::uint64_t kYear_ms = 365ULL * 24 * 3600 * 1000;

const std::map<std::string, StrategyKind> kStrategies = {
    {"sweep", StrategyKind::sweep}, {"pct", StrategyKind::pct}, {"random", StrategyKind::random}};
const std::map<std::string, std::string> kBaselines = {
    {"sweep", "sweep"}, {"pct", "pct"}, {"random", "random"}, {"native", "native"}};
const std::map<std::string, Realism> kLevels = {
    {"linux", Realism::linux_}, {"posix", Realism::posix}, {"hostile", Realism::hostile}};
const std::map<std::string, std::string> kFormats = {
    {"html", "html"},     {"text", "text"},     {"sarif", "sarif"}, {"junit", "junit"},
    {"casrep", "casrep"}, {"github", "github"}, {"json", "json"},   {"perfetto", "perfetto"}};
const std::map<std::string, Mark> kMarks = {{"open", Mark::open},
                                            {"known", Mark::known},
                                            {"fixed", Mark::fixed},
                                            {"ignored", Mark::ignored}};
const std::map<std::string, Colour> kColours = {
    {"auto", Colour::automatic}, {"always", Colour::always}, {"never", Colour::never}};

template <typename T>
std::optional<T> whole(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

// False if a word of the list, which commas separate, is none of the names.
template <typename T>
bool each_of(const std::string& list, const std::map<std::string, T>& names,
             std::vector<T>& values) {
  values.clear();
  for (const auto word : std::views::split(list, ',')) {
    const auto found = names.find(std::string(word.begin(), word.end()));
    if (found == names.end()) return false;
    values.push_back(found->second);
  }
  return !values.empty();
}

class Parser {
 public:
  Parser()
      : app_(
            "Pipewrench finds the smallest deviation that breaks programs which talk to each "
            "other.") {
    app_.name("pipewrench");
    app_.require_subcommand(1);
    app_.footer(kExitStatusText);
    app_.failure_message([this](const CLI::App*, const CLI::Error& error) {
      const int code = error.get_exit_code();
      const bool has_strangers =
          takes_peers_ && code == static_cast<int>(CLI::ExitCodes::ExtrasError);
      return "pipewrench: " + printable(error.what()) + (has_strangers ? kWherePeersGo : "") + "\n";
    });
    app_.set_version_flag("--version", PIPEWRENCH_VERSION);
    add_run();
    add_explore();
    add_replay();
    add_shrink();
    add_bench();
    add_report();
    add_findings();
    add_record();
    add_import();
    add(Command::doctor, "doctor", "what this machine can do, each missing thing with its remedy");
    add(Command::completion, "completion", "what a shell needs to complete our command line")
        .add_option("SHELL", arguments_.subject, "bash, zsh or fish")
        ->required();
    add(Command::man, "man", "the manual page, for man(1)");
  }
  const CLI::App& app() const { return app_; }

  std::expected<Arguments, Exit> parse(std::vector<std::string> words) {
    const auto split = std::ranges::find(words, "--");
    if (split != words.end()) {
      arguments_.words.assign(split + 1, words.end());
      words.erase(split, words.end());
    }
    if (const std::string unknown = unknown_command(words); !unknown.empty()) {
      std::fprintf(stderr, "pipewrench: %s\n", unknown.c_str());
      return std::unexpected(Exit::usage);
    }
    takes_peers_ = words[0] == "run" || words[0] == "explore";
    std::ranges::reverse(words);  // CLI11 takes them from the end
    try {
      app_.parse(words);
    } catch (const CLI::ParseError& error) {
      return std::unexpected(app_.exit(error) == 0 ? Exit::nothing : Exit::usage);
    }
    if (arguments_.runs == 0 && arguments_.budget_ms == 0) arguments_.budget_ms = kDefaultBudget_ms;
    return arguments_;
  }

 private:
  CLI::App& add(Command command, const char* name, const char* what) {
    CLI::App* sub = app_.add_subcommand(name, what);
    sub->footer(kExitStatusText);
    sub->callback([this, command] { arguments_.command = command; });
    sub->add_flag("--json", arguments_.json, "one JSON event a line, the result as the last one");
    one_of(*sub, "--color", kColours, arguments_.colour, "auto, always or never");
    sub->add_flag_callback(
        "--no-namespaces", [this] { arguments_.namespaces = false; },
        "work in the host's namespaces where new ones are forbidden");
    return *sub;
  }

  // The library says only that one is required. "" if nothing is wrong.
  std::string unknown_command(const std::vector<std::string>& words) const {
    if (words.empty()) return "no command" + there_are(app_);
    if (words[0] == "--help" || words[0] == "-h" || words[0] == "--version") return "";
    const CLI::App* sub = named(app_, words[0]);
    if (sub == nullptr)
      return "no command '" + printable(words[0], kShown) + "'" +
             (words[0].contains('/') ? kWherePeersGo : there_are(app_));
    const auto is_known = [&](const std::string& word) {
      return word == "--help" || word == "-h" || named(*sub, word) != nullptr;
    };
    if (sub->get_require_subcommand_min() == 0 || std::ranges::any_of(words, is_known)) return "";
    const bool is_named = words.size() > 1 && !words[1].starts_with('-');
    return (is_named ? "no command '" + words[0] + ' ' + printable(words[1], kShown) + "'"
                     : "'" + words[0] + "' is not all") +
           there_are(*sub);
  }
  static const CLI::App* named(const CLI::App& app, const std::string& name) {
    for (const CLI::App* sub : app.get_subcommands({}))
      if (sub->get_name() == name) return sub;
    return nullptr;
  }
  static std::string there_are(const CLI::App& app) {
    std::string text;
    for (const CLI::App* sub : app.get_subcommands({}))
      text += (text.empty() ? "; there are " : ", ") + sub->get_name();
    return text;
  }

  void add_subject(CLI::App& sub, const char* name, const char* what) {
    sub.add_option(name, arguments_.subject, what);
  }
  void add_tty(CLI::App& sub) {
    sub.add_flag("--tty", arguments_.tty,
                 "peers have a terminal: what they print shows line by line, not when they end");
  }
  void add_seed(CLI::App& sub) {
    checked(sub, "--seed", "a number or a commit hash", [this](const std::string& text) {
      const auto seed = seed_of(text);
      if (seed) arguments_.seed = *seed;
      return seed.has_value();
    });
  }
  void add_number(CLI::App& sub, const char* name, const char* what, auto& value,
                  std::uint64_t most) {
    checked(sub, name, what, [&value, most](const std::string& text) {
      const auto number = whole<std::uint64_t>(text);
      if (!number || *number == 0 || *number > most) return false;
      value = static_cast<std::remove_reference_t<decltype(value)>>(*number);
      return true;
    });
  }
  template <typename T>
  void one_of(CLI::App& sub, const char* name, const std::map<std::string, T>& names, T& value,
              const char* what) {
    checked(sub, name, what, [&names, &value](const std::string& text) {
      const auto found = names.find(text);
      if (found != names.end()) value = found->second;
      return found != names.end();
    });
  }
  void add_jobs(CLI::App& sub) {
    add_number(sub, "--jobs", "workers at once, at most 64", arguments_.jobs, Pool::kMaxJobs);
  }
  void add_budget(CLI::App& sub) {
    checked(sub, "--budget", "how long: 30s, 5min; to make plans smaller a tenth more",
            [this](const std::string& text) {
              const auto budget = duration_of(text);
              if (budget) arguments_.budget_ms = *budget;
              return budget && *budget > 0;
            });
  }
  static void checked(CLI::App& sub, const char* name, const char* what,
                      std::function<bool(const std::string&)> take) {
    sub.add_option_function<std::string>(
        name,
        [name, what, take = std::move(take)](const std::string& text) {
          if (!take(text))
            throw CLI::ValidationError(name, "'" + printable(text, kShown) + "': " + what);
        },
        what);
  }

  void add_run() {
    CLI::App& sub = add(Command::run, "run", "one run, calm or as a plan says, judged");
    add_subject(sub, "SCENARIO", "scenario.toml; or give the peers: -- CMD ARGS :: CMD ARGS");
    add_tty(sub);
    sub.add_option("--plan", arguments_.plan, "deviations from the calm run, one a line");
    add_seed(sub);
    sub.add_option("--trace", arguments_.trace, "write the trace there, JSON Lines");
    sub.add_flag("--timeline", arguments_.timeline, "print who did what, each peer a column");
    sub.add_option("--perfetto", arguments_.perfetto, "write a trace for ui.perfetto.dev there");
  }

  void add_explore() {
    CLI::App& sub = add(Command::explore, "explore", "try plans until the budget ends");
    add_subject(sub, "SCENARIO", "scenario.toml; or give the peers: -- CMD ARGS :: CMD ARGS");
    add_tty(sub);
    add_budget(sub);
    add_number(sub, "--runs",
               "the same result every time: no new plan after so many runs; what was found is then "
               "still repeated and made smaller, in a quarter more or 64",
               arguments_.runs, UINT64_MAX);
    checked(sub, "--strategy", "some of sweep,pct,random", [this](const std::string& text) {
      return each_of(text, kStrategies, arguments_.strategies);
    });
    one_of(sub, "--realism", kLevels, arguments_.realism, "linux, posix or hostile");
    add_jobs(sub);
    add_seed(sub);
    sub.add_option("--out", arguments_.out, "where findings go, a directory each");
    add_run_id(sub);
    sub.add_flag("--strict", arguments_.strict, "notes count as findings");
  }

  void add_replay() {
    CLI::App& sub = add(Command::replay, "replay", "run a finding or a plan again");
    add_subject(sub, "FINDING", "a finding's directory, or a plan with scenario.toml beside it");
    sub.get_option("FINDING")->required();
    add_number(sub, "--times", "how often, at most a million", arguments_.times, 1'000'000);
    sub.add_flag("--timeline", arguments_.timeline, "print who did what, each peer a column");
    sub.add_option("--keep", arguments_.keep,
                   "write what it shows there, as a finding's directory");
    sub.add_option("--gdb", arguments_.gdb,
                   "gdb on this peer, before its last call up to the finding's step");
  }

  void add_shrink() {
    CLI::App& sub = add(Command::shrink, "shrink", "the smallest plan that shows the same");
    add_subject(sub, "FINDING", "a finding's directory, or a plan with scenario.toml beside it");
    sub.get_option("FINDING")->required();
  }

  void add_bench() {
    CLI::App& sub = add(Command::bench, "bench", "what is found in programs with known bugs");
    sub.add_option("--filter", arguments_.filter, "only those whose name contains this");
    checked(sub, "--baseline", "some of sweep,pct,random,native", [this](const std::string& text) {
      return each_of(text, kBaselines, arguments_.baselines);
    });
    add_budget(sub);
    add_number(sub, "--runs", "the same result every time: so many for each; its twin a twentieth",
               arguments_.runs, UINT64_MAX);
    add_jobs(sub);
    add_seed(sub);
  }

  void add_report() {
    CLI::App& sub = add(Command::report, "report", "what was found, for people and for machines");
    one_of(sub, "--format", kFormats, arguments_.format,
           "html, text, sarif, junit, casrep, github, json or perfetto");
    sub.add_option("--out", arguments_.report_out, "where it goes; a directory for casrep");
    add_store(sub);
    sub.add_option("--finding", arguments_.finding, "only this one, by its id or the start of it");
  }

  void add_store(CLI::App& sub) {
    sub.add_option("--store", arguments_.out, "the directory with findings.db (explore's --out)");
  }

  void add_findings() {
    CLI::App& sub =
        add(Command::findings, "findings", "what was found so far, and what of it is known");
    sub.require_subcommand(1);
    const auto action = [&](const char* name, const char* what, Action value) {
      CLI::App* one = sub.add_subcommand(name, what);
      one->callback([this, value] { arguments_.action = value; });
      one->fallthrough();
      return one;
    };
    add_store(sub);
    action("list", "one line each; exit status 1 if any is new or regressed", Action::list)
        ->add_flag("--strict", arguments_.strict, "notes too");
    action("show", "one of them, whole", Action::show)
        ->add_option("ID", arguments_.subject, "or the beginning of it, or the finding's directory")
        ->required();
    CLI::App* mark = action("mark", "say what is to be thought of it", Action::mark);
    mark->add_option_function<std::string>(
            "STATE", [this](const std::string& text) { arguments_.mark = mark_of(text); },
            "known, fixed, ignored or open")
        ->required();
    mark->add_option("ID", arguments_.subject, "or the beginning of it, or the finding's directory")
        ->required();
    mark->add_option("--why", arguments_.why, "the reason, for the reports");
  }
  void add_run_id(CLI::App& sub) {
    add_number(sub, "--run", "add to the run of this number in the store (see record)",
               arguments_.run, INT64_MAX);
  }
  void add_record() {
    CLI::App& sub = add(Command::record, "record", "a run made of many commands, for scripts");
    sub.require_subcommand(1);
    add_store(sub);
    const auto action = [&](const char* name, const char* what, Action value) {
      CLI::App* one = sub.add_subcommand(name, what);
      one->callback([this, value] { arguments_.action = value; });
      one->fallthrough();
      if (value != Action::begin) one->add_option("RUN", arguments_.run, "its number")->required();
      return one;
    };
    CLI::App* begin = action("begin", "prints its number", Action::begin);
    begin->add_option("--what", arguments_.record.what, "runs of the same are compared")
        ->required();
    begin->add_option("--flags", arguments_.record.flags, "how it was called");
    add_seed(*begin);
    CLI::App* sample = action("sample", "how far it has come with a target", Action::sample);
    sample->add_option("TARGET", arguments_.sample.target, "fuzz target or scenario")->required();
    sample->add_option("ENGINE", arguments_.sample.engine, "libfuzzer, afl++, conductor")
        ->required();
    sample->add_option("SANITIZER", arguments_.sample.sanitizer, "asan+ubsan, none")->required();
    sample->add_option("--at", arguments_.sample.at_s, "seconds since its start");
    sample->add_option("--executions", arguments_.sample.executions, "inputs or runs");
    sample->add_option("--per-second", arguments_.sample.per_second, "of these");
    sample->add_option("--edges", arguments_.sample.edges, "or behaviours");
    sample->add_option("--corpus", arguments_.sample.corpus, "files");
    CLI::App* end = action("end", "it has ended", Action::end);
    end->add_option("--seconds", arguments_.record.seconds, "wall clock");
    end->add_option("--outcome", arguments_.record.outcome, "ended, stopped, failed: why");
  }
  static Mark mark_of(const std::string& text) {
    const auto found = kMarks.find(text);
    if (found == kMarks.end())
      throw CLI::ValidationError(
          "STATE", "'" + printable(text, kShown) + "': known, fixed, ignored or open");
    return found->second;
  }

  void add_import() {
    CLI::App& sub = add(Command::import_, "import", "take in what fuzzers and sanitizers left");
    sub.add_option("PATH", arguments_.paths,
                   "artefact, log, core, finding, or a folder of them, as of AFL++")
        ->required();
    sub.add_option("--target", arguments_.target, "program that shows it; default: one near it");
    sub.add_option("--store", arguments_.out, "where findings are kept");
    add_run_id(sub);
  }

  CLI::App app_;
  Arguments arguments_;
  bool takes_peers_ = false;
};

CommandText text_of(const CLI::App& app) {
  CommandText text{.name = app.get_name(), .what = app.get_description()};
  for (const CLI::Option* option : app.get_options()) {
    OptionText one{.what = option->get_description(),
                   .takes_value = option->get_items_expected_max() > 0,
                   .positional = option->get_positional()};
    if (one.positional) one.names = {option->get_name(true)};
    for (const std::string& name : option->get_snames()) one.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) one.names.push_back("--" + name);
    text.options.push_back(std::move(one));
  }
  for (const CLI::App* sub : app.get_subcommands({})) text.commands.push_back(text_of(*sub));
  return text;
}

}  // namespace

const char* const kExitStatusText =
    "Exit status: 0 nothing found, 1 findings, 2 usage or bad input, 3 this machine cannot,\n"
    "4 the harness itself failed.";

CommandText describe_arguments() { return text_of(Parser().app()); }

std::expected<Arguments, Exit> parse_arguments(int argc, char** argv) {
  return Parser().parse(std::vector<std::string>(argv + 1, argv + argc));
}

std::optional<std::uint64_t> duration_of(const std::string& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = whole<std::uint64_t>(std::string_view(text).substr(0, digits));
  const std::string unit = text.substr(digits);
  static const std::map<std::string, std::uint64_t> kUnits = {
      {"", 1000}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"m", 60'000}, {"h", 3'600'000}};
  const auto found = kUnits.find(unit);
  if (!number || found == kUnits.end() || *number > kYear_ms / found->second) return {};
  return *number * found->second;
}

std::optional<std::uint64_t> seed_of(const std::string& text) {
  if (const auto number = whole<std::uint64_t>(text)) return number;
  const bool is_hash = text.size() >= 4 && text.size() <= 64 &&
                       text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!is_hash) return {};
  return whole<std::uint64_t>(std::string_view(text).substr(0, 16), 16);
}

}  // namespace pipewrench
