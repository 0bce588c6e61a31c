// replay --gdb: gdb gets the terminal, the conductor goes on answering the peers beside it.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "harness/cli/commands.h"
#include "harness/cli/load.h"
#include "harness/conduct/conductor.h"

namespace pipewrench {
namespace {

// Its last call up to the step; 0: it makes none.
std::uint32_t last_call(const Trace& trace, std::uint32_t task, std::size_t step) {
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < trace.steps.size() && i <= step; ++i) {
    if (trace.steps[i].event == Event::teardown) break;
    if (trace.steps[i].task == task) n = std::max(n, trace.steps[i].n);
  }
  return n;
}

pid_t start_gdb(pid_t peer) {
  const pid_t gdb = ::fork();
  if (gdb != 0) return gdb;
  std::signal(SIGINT, SIG_DFL);
  ::execlp("gdb", "gdb", "-q", "-p", std::to_string(peer).c_str(), nullptr);
  ::_exit(127);
}

// True: it ran, and was left.
bool wait_for(pid_t gdb) {
  int status = 0;
  while (::waitpid(gdb, &status, 0) < 0 && errno == EINTR) continue;
  return !WIFEXITED(status) || WEXITSTATUS(status) != 127;
}

}  // namespace

Exit debug_replay(const Arguments& arguments, const LoadedFinding& stored, const Trace& trace,
                  std::size_t step) {
  const auto task = std::ranges::find(trace.tasks, arguments.gdb, &Task::name);
  const auto index = static_cast<std::uint32_t>(task - trace.tasks.begin());
  const std::uint32_t n = task == trace.tasks.end() ? 0 : last_call(trace, index, step);
  if (n == 0) {
    std::string names;
    for (const Task& one : trace.tasks) names += (names.empty() ? "" : ", ") + plain(one.name);
    return complain(Exit::usage,
                    "--gdb '" + arguments.gdb + "': makes no call; there are " + names);
  }
  fmt::print(
      "gdb stops {} before its call #{}; `continue` lets it go on with the plan, `detach` too\n",
      plain(arguments.gdb), n);
  std::fflush(stdout);
  std::signal(SIGINT, SIG_IGN);  // is gdb's
  pid_t gdb = -1;
  ConductorOptions options{.namespaces = arguments.namespaces, .seed = stored.seed};
  options.debug = {
      .task = arguments.gdb, .n = n, .start = [&gdb](pid_t peer) { return gdb = start_gdb(peer); }};
  auto conductor = Conductor::start(options);
  if (!conductor) return complain(Exit::environment, conductor.error());
  PlanPolicy policy(stored.plan);
  const Trace again = conductor->run(stored.scenario, policy);
  if (gdb < 0) return complain(Exit::harness, "this time it did not come to that call");
  if (!wait_for(gdb)) return complain(Exit::environment, "no gdb here: apt-get install gdb");
  if (again.ending == Ending::harness_error) return complain(Exit::harness, again.error);
  return Exit::findings;
}

}  // namespace pipewrench
