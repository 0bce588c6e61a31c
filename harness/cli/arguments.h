// Arguments of the command line as plain data. The only header of the parser, which is in one .cpp:
// its library is slow to compile.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "harness/explore/explore.h"
#include "reports/store/records.h"

namespace pipewrench {

enum class Exit : int {
  nothing = 0,
  findings = 1,
  usage = 2,
  environment = 3,
  harness = 4,
};

enum class Command : std::uint8_t {
  run,
  explore,
  replay,
  shrink,
  bench,
  findings,
  record,
  import_,
  report,
  doctor,
  completion,
  man,
};
// Of findings and record.
enum class Action : std::uint8_t { list, show, mark, begin, sample, end };

enum class Colour : std::uint8_t { automatic, always, never };

struct Arguments {
  Command command = Command::doctor;
  std::string subject;             // scenario, finding, plan or id; empty: the peers are in words
  std::vector<std::string> words;  // what follows "--"
  std::string plan, trace, perfetto, gdb, filter, keep;  // empty: not asked for
  std::string out = "pipewrench-out";                    // where findings go and the store is
  Action action = Action::list;
  Mark mark = Mark::open;
  std::string why;
  std::string target;              // program that shows what is taken in; empty: one near it
  std::vector<std::string> paths;  // to be taken in
  std::string format = "text";
  std::string report_out, finding;  // empty: not asked for
  std::int64_t run = 0;             // to which what is found belongs; 0: one of its own
  RunRecord record;
  Sample sample;
  std::vector<StrategyKind> strategies;
  std::vector<std::string> baselines;
  Realism realism = Realism::linux_;
  std::uint64_t seed = 1;
  std::uint64_t runs = 0;       // 0: no limit
  std::uint64_t budget_ms = 0;  // 0: no limit
  std::uint32_t jobs = 1;
  std::uint32_t times = 1;
  Colour colour = Colour::automatic;
  bool timeline = false, json = false, strict = false, namespaces = true;
  bool tty = false;  // of all peers
};

// Prints help or what is wrong itself; then the value is the exit status.
std::expected<Arguments, Exit> parse_arguments(int argc, char** argv);

// What --help says, as data: completions and the manual page are made of it.
struct OptionText {
  std::vector<std::string> names{};  // "--seed"; of a positional one its name alone, "SCENARIO"
  std::string what{};
  bool takes_value = false, positional = false;
};
struct CommandText {
  std::string name{}, what{};
  std::vector<OptionText> options{};
  std::vector<CommandText> commands{};
};
CommandText describe_arguments();
// "Exit status: ...", what every --help ends with.
extern const char* const kExitStatusText;

// "30s", "500ms", "5min", "2h", "12" (seconds) in ms; nothing for what is none or above a year.
std::optional<std::uint64_t> duration_of(const std::string& text);
// A number, or a commit hash, of which the first 16 hex digits count.
std::optional<std::uint64_t> seed_of(const std::string& text);

}  // namespace pipewrench
