// For tests: a peer that is killed just before its n-th system call, for every n until it rests.
// Must not be used where ptrace(2) is forbidden: says so by Killed::forbidden.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "targets/peers/test_peer.h"

namespace peers {

enum class Killed { before_call, at_rest, forbidden };

// Of the call that the stopped process is about to make.
inline bool is_rest(const __ptrace_syscall_info& call) {
  const bool is_poll = call.entry.nr == SYS_poll && static_cast<int>(call.entry.args[2]) == -1;
  return is_poll || (call.entry.nr == SYS_ppoll && call.entry.args[2] == 0);
}

inline pid_t start_traced(const Meeting& meeting, std::vector<std::string> words, int input) {
  words.insert(words.begin(), peer_path);
  words.push_back("dir=" + meeting.path());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(input, 0);
  ::dup2(null, 1);
  ::dup2(null, 2);
  if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(126);
  ::execv(peer_path, arguments.data());
  ::_exit(127);
}

// Counts from chdir(2) on: before it a peer has touched nothing.
inline Killed kill_before_call(const Meeting& meeting, const std::vector<std::string>& words,
                               int n) {
  int input[2];
  EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
  const pid_t pid = start_traced(meeting, words, input[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  Killed result = Killed::forbidden;
  if (WIFSTOPPED(status)) {
    ::ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    int left = -1;  // to be counted down from n once it has begun
    while (true) {
      ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
      if (::waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
      __ptrace_syscall_info call{};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call);
      if (call.op != PTRACE_SYSCALL_INFO_ENTRY) continue;
      if (left < 0 && call.entry.nr == SYS_chdir) left = n;
      result = is_rest(call) ? Killed::at_rest : Killed::before_call;
      if (left == 0 || (left > 0 && result == Killed::at_rest)) break;
      if (left > 0) --left;
    }
    ::kill(pid, SIGKILL);
    ::waitpid(pid, &status, 0);
  }
  ::close(input[0]);
  ::close(input[1]);
  return result;
}

}  // namespace peers
