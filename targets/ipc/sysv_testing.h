// For tests of the System V parts: keys of one's own, a process that has died, work in a child.
// Must not be used outside tests.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "targets/ipc/process.h"

namespace ipc::testing {

// Tests of one executable run one after the other, other processes have other PIDs.
inline key_t own_key() { return 0x50000000 | ::getpid(); }

inline ProcessId me() { return self().value(); }

// Runs `work` in a child and waits for its end; true if it returned true.
template <class Work>
bool in_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work() ? 0 : 1);
  int status = -1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// A process that has been.
inline ProcessId dead() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  const ProcessId id = identify(child).value();
  int status = 0;
  ::waitpid(child, &status, 0);
  return id;
}

}  // namespace ipc::testing
