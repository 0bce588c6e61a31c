// Signals as input: blocked in this thread and read from a descriptor. Nothing runs in a handler,
// and there is no window between a check and a pause(2): a signal that comes at any time stays
// pending until it is read. Must not change any disposition.
// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <initializer_list>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"

namespace ipc {

// A signal says "look again" and nothing more: standard signals that are sent while one is pending
// merge into it (signal(7)), so the receiver reads the shared state after each and never counts.
struct Signal {
  int number = 0;
  pid_t sender = 0;  // for the caller to compare with the peer that it has verified (handshake.h)
  uid_t uid = 0;     // real user of the sender
  // The kernel filled the sender in (kill, tgkill, pidfd_send_signal without siginfo). Otherwise
  // the sender did, as he liked (sigqueue), or there is none (timers).
  bool sender_is_certain = false;
};

// Blocks signals in this thread while it lives. Make it before other threads are started: they
// inherit the mask, and a signal to the process goes to any thread that does not block it.
// Use and destroy it in the thread that made it.
class BlockedSignals {
 public:
  static constexpr int kMostDropped = 4096;

  // bad_argument for no signal, a number that is none, SIGKILL and SIGSTOP (cannot be blocked), and
  // those that a fault of the program itself raises (undefined when blocked, sigprocmask(2)).
  static Result<BlockedSignals> block(std::initializer_list<int> signals);

  BlockedSignals(BlockedSignals&& other) noexcept;
  BlockedSignals& operator=(BlockedSignals&&) = delete;
  // Unblocks what it blocked. What is pending of that is dropped first: nobody reads it any more,
  // and delivered now it would end the process. If that fails they stay blocked.
  ~BlockedSignals();
  // For the last object of a process that peers may still signal: they stay blocked for ever.
  void keep_blocked();

  // One pending signal, lowest number first. EINTR is retried. would_block, timed_out.
  Result<Signal> wait(Deadline deadline);

  int fd() const { return fd_.get(); }  // readable while one is pending: for wait_any() (wait.h)

 private:
  BlockedSignals(Fd fd, const sigset_t& newly_blocked)
      : fd_(std::move(fd)), newly_blocked_(newly_blocked) {}

  Fd fd_;
  sigset_t newly_blocked_;
};

}  // namespace ipc
