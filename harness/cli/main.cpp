// pipewrench: the table of subcommands. Everything else is in the file of each.
// SPDX-License-Identifier: MIT
#include <array>
#include <exception>

#include "harness/cli/arguments.h"
#include "harness/cli/commands.h"

namespace pipewrench {
namespace {

struct Row {
  Command command;
  Exit (*run)(const Arguments&);
};
constexpr std::array kCommands = {
    Row{Command::run, run_command},        Row{Command::explore, explore_command},
    Row{Command::replay, replay_command},  Row{Command::shrink, shrink_command},
    Row{Command::bench, bench_command},    Row{Command::findings, findings_command},
    Row{Command::import_, import_command}, Row{Command::record, record_command},
    Row{Command::report, report_command},  Row{Command::doctor, doctor_command},
    Row{Command::man, man_command},        Row{Command::completion, completion_command},
};

Exit run(int argc, char** argv) {
  try {
    const auto arguments = parse_arguments(argc, argv);
    if (!arguments) return arguments.error();
    for (const Row& row : kCommands)
      if (row.command == arguments->command) return row.run(*arguments);
  } catch (const std::exception& error) {
    return complain(Exit::harness, error.what());
  }
  return Exit::usage;
}

}  // namespace
}  // namespace pipewrench

int main(int argc, char** argv) { return static_cast<int>(pipewrench::run(argc, argv)); }
