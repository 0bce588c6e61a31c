// pipewrench: the table of subcommands. Everything else is in the file of each.
// SPDX-License-Identifier: MIT
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

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

// What was to be read and is not there must not look like success.
bool is_printed() {
  const bool is_flushed = std::fflush(stdout) == 0;
  return is_flushed && std::ferror(stdout) == 0;
}

Exit run(int argc, char** argv) {
  try {
    const auto arguments = parse_arguments(argc, argv);
    if (!arguments) return arguments.error();
    for (const Row& row : kCommands)
      if (row.command == arguments->command) return row.run(*arguments);
  } catch (const std::exception& error) {
    if (!is_printed()) return Exit::nothing;  // fmt throws when it cannot write: main says so
    return complain(Exit::harness, error.what());
  }
  return Exit::usage;
}

}  // namespace
}  // namespace pipewrench

int main(int argc, char** argv) {
  using namespace pipewrench;
  Exit status = run(argc, argv);
  errno = 0;
  if (!is_printed() && status != Exit::environment)  // which has said so
    status = complain(Exit::environment,
                      std::string("standard output cannot be written, what was to be printed is "
                                  "lost") +
                          (errno == 0 ? "" : std::string(": ") + std::strerror(errno)));
  return static_cast<int>(status);
}
