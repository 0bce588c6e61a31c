// SPDX-License-Identifier: MIT
#include "targets/ipc/sigpipe.h"

#include <cerrno>
#include <ctime>

namespace ipc {
namespace {

sigset_t only_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

bool is_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  ::sigpending(&pending);  // cannot fail with a valid pointer
  return sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

SigpipeBlock::SigpipeBlock() {
  const sigset_t set = only_sigpipe();
  sigemptyset(&old_mask_);
  ::pthread_sigmask(SIG_BLOCK, &set, &old_mask_);  // cannot fail with SIG_BLOCK
  // Where it was not blocked it cannot be pending: it would have been delivered before this call
  // returned.
  was_pending_ = sigismember(&old_mask_, SIGPIPE) == 1 && is_pending();
}

SigpipeBlock::~SigpipeBlock() {
  const int error_number = errno;
  ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
  errno = error_number;
}

void SigpipeBlock::consume() {
  if (was_pending_) return;  // ours merged with it, or is taken for it: nobody can tell them apart
  const int error_number = errno;
  const sigset_t set = only_sigpipe();
  const timespec at_once{};
  // Retried on EINTR: a wait of no length can still meet another signal's handler.
  while (::sigtimedwait(&set, nullptr, &at_once) < 0 && errno == EINTR) {
  }
  errno = error_number;
}

}  // namespace ipc
