// SPDX-License-Identifier: MIT
#include "harness/conduct/loader.h"

#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace pipewrench {

#if defined(__GLIBC__) && defined(__x86_64__)
namespace {

constexpr int kMostStops = 4'000;  // two a call; some ten calls for each library
constexpr int kSyscallStop = SIGTRAP | 0x80;

[[noreturn]] void be_watched(pid_t watcher) {
  char name[] = "loader";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  // With whoever watches: it must not come to its program.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != watcher) _exit(127);
  personality(ADDR_NO_RANDOMIZE);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0)
    execve("/proc/self/exe", arguments, environment);
  _exit(127);
}

// The signal of its next stop. 0: it has ended, and has no PID any more.
int next_stop(pid_t& child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSTOPPED(status)) return WSTOPSIG(status);
  child = 0;
  return 0;
}

// It stops again at the entry or the exit of a call.
bool goes_on(pid_t& child) {
  return ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0 && next_stop(child) == kSyscallStop;
}

// set_robust_list(2) still traps: it is the first one of each program, at which its clock is made
// virtual. The loader comes to it, and then to rseq(2), before any code of the program.
std::vector<LoaderCall> watch(pid_t& child) {
  std::vector<LoaderCall> calls;
  if (next_stop(child) != SIGTRAP) return {};  // execve(2) under PTRACE_TRACEME
  if (ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
    return {};
  for (int i = 0; i < kMostStops && goes_on(child); ++i) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0) return {};
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
    const auto number = static_cast<int>(info.entry.nr);
    const LoaderCall call{number, info.instruction_pointer,
                          static_cast<std::uint32_t>(info.entry.args[2])};
    if ((number == SYS_openat || number == SYS_read || number == SYS_rseq) &&
        std::ranges::find(calls, call) == calls.end())
      calls.push_back(call);
    if (number == SYS_rseq) return calls;
  }
  return {};
}

}  // namespace

std::vector<LoaderCall> watch_loader() {
  const pid_t watcher = getpid();
  pid_t child = fork();
  if (child == 0) be_watched(watcher);
  if (child < 0) return {};
  std::vector<LoaderCall> calls = watch(child);
  if (child > 0) kill(child, SIGKILL);
  while (child > 0) next_stop(child);
  return calls;
}
#else
// Another C library's loader is the library itself: a call of the program would look the same.
std::vector<LoaderCall> watch_loader() { return {}; }
#endif

}  // namespace pipewrench
