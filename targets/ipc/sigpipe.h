// Keeps the SIGPIPE of this thread's own write from reaching anybody, for calls that have no
// MSG_NOSIGNAL. Must not change the process-wide disposition of the signal: that is the program's,
// and is inherited by execve().
// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>

namespace ipc {

// Blocks SIGPIPE in this thread while it lives. The kernel sends SIGPIPE to the thread that wrote
// (pipe(7)), so what consume() takes is what that write caused, unless one was pending before: that
// one stays.
class SigpipeBlock {
 public:
  SigpipeBlock();
  ~SigpipeBlock();
  SigpipeBlock(const SigpipeBlock&) = delete;
  SigpipeBlock& operator=(const SigpipeBlock&) = delete;

  // After a write that failed with EPIPE. Keeps errno.
  void consume();

 private:
  sigset_t old_mask_;
  bool was_pending_;
};

}  // namespace ipc
