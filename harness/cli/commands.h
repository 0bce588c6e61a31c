// The subcommands, one file each, and what they share.
// SPDX-License-Identifier: MIT
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "harness/cli/arguments.h"
#include "harness/explore/pool.h"
#include "harness/finding/ladder.h"
#include "harness/oracle/oracle.h"
#include "harness/scenario/scenario.h"

namespace pipewrench {

struct LoadedFinding;
struct StoreError;

Exit run_command(const Arguments& arguments);
Exit explore_command(const Arguments& arguments);
Exit replay_command(const Arguments& arguments);
Exit shrink_command(const Arguments& arguments);
Exit bench_command(const Arguments& arguments);
Exit report_command(const Arguments& arguments);
Exit findings_command(const Arguments& arguments);
Exit record_command(const Arguments& arguments);
Exit doctor_command(const Arguments& arguments);
Exit completion_command(const Arguments& arguments);
Exit man_command(const Arguments& arguments);
Exit import_command(const Arguments& arguments);

// replay --gdb: the plan once more, under gdb before the peer's last call up to the finding's step.
Exit debug_replay(const Arguments& arguments, const LoadedFinding& stored, const Trace& trace,
                  std::size_t step);

// One line on standard error; returns the status.
Exit complain(Exit status, const std::string& what);
// Of the store: bad input, or a failure of the machine.
Exit complain(const StoreError& error);
// Workers with real peers; what this machine lacks is said on standard error.
std::expected<std::unique_ptr<Pool>, Exit> start_pool(const Scenario& scenario,
                                                      const Arguments& arguments,
                                                      std::uint64_t seed);
// On standard error: arguments that name files here, where the peers are not.
void warn_of_files(const Arguments& arguments, const Scenario& scenario);
// Harmless on a terminal: control bytes and what is not ASCII become '?', newlines stay.
std::string plain(const std::string& text);
// As wide as the terminal, in its characters.
LadderStyle ladder_style();
enum class Ink : std::uint8_t { red, yellow, green };
// In colour where --color, NO_COLOR and the terminal want it.
std::string paint(const Arguments& arguments, Ink ink, const std::string& text);
// "exit status 3", "killed by SIGPIPE".
std::string status_text(int status);
// "not under control: ...": who, in which call, and what that means.
std::string unmanaged_line(const std::vector<std::string>& what);
// "finding crash: ...": one line a verdict.
std::string verdict_line(const Verdict& verdict);

}  // namespace pipewrench
