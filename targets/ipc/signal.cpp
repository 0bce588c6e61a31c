// SPDX-License-Identifier: MIT
#include "targets/ipc/signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "targets/ipc/wait.h"

namespace ipc {
namespace {

constexpr std::array kNeverBlocked = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,
                                      SIGFPE,  SIGILL,  SIGTRAP, SIGSYS};

Result<sigset_t> set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : signals) {
    const bool never = std::ranges::find(kNeverBlocked, number) != kNeverBlocked.end();
    // sigaddset(3) refuses what is no signal, and the two that libc keeps for itself.
    if (never || ::sigaddset(&set, number) != 0)
      return fail(Kind::bad_argument, EINVAL, "block", {{{"signal", number}}});
  }
  if (signals.size() == 0) return fail(Kind::bad_argument, EINVAL, "block", {}, "no signal");
  return set;
}

}  // namespace

Result<BlockedSignals> BlockedSignals::block(std::initializer_list<int> signals) {
  const Result<sigset_t> set = set_of(signals);
  if (!set) return Failure(set.error());
  Fd fd(::signalfd(-1, &*set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail("signalfd");
  sigset_t before;
  const int failed = ::pthread_sigmask(SIG_BLOCK, &*set, &before);
  if (failed != 0) return fail(kind_of(failed), failed, "pthread_sigmask");
  sigset_t newly = *set;
  for (const int number : signals)
    if (::sigismember(&before, number) == 1) ::sigdelset(&newly, number);
  return BlockedSignals(std::move(fd), newly);
}

BlockedSignals::BlockedSignals(BlockedSignals&& other) noexcept
    : fd_(std::move(other.fd_)), newly_blocked_(other.newly_blocked_) {
  ::sigemptyset(&other.newly_blocked_);
}

BlockedSignals::~BlockedSignals() {
  if (::sigisemptyset(&newly_blocked_) == 1) return;
  // signalfd(2): with an existing descriptor the set is replaced; those that were blocked before
  // are somebody else's and stay pending.
  if (::signalfd(fd_.get(), &newly_blocked_, SFD_CLOEXEC | SFD_NONBLOCK) < 0) return;
  for (int dropped = 0; dropped < kMostDropped; ++dropped) {
    const Result<Signal> pending = wait(Deadline::now());
    if (pending) continue;
    if (pending.error().kind == Kind::would_block)
      ::pthread_sigmask(SIG_UNBLOCK, &newly_blocked_, nullptr);  // cannot fail with these
    return;
  }
}

void BlockedSignals::keep_blocked() { ::sigemptyset(&newly_blocked_); }

Result<Signal> BlockedSignals::wait(Deadline deadline) {
  for (;;) {
    signalfd_siginfo info;
    if (::read(fd_.get(), &info, sizeof info) == sizeof info)
      return Signal{.number = static_cast<int>(info.ssi_signo),
                    .sender = static_cast<pid_t>(info.ssi_pid),
                    .uid = info.ssi_uid,
                    .sender_is_certain = info.ssi_code == SI_USER || info.ssi_code == SI_TKILL};
    // Another reader may have been faster: EAGAIN after poll() is no error (signalfd(2)).
    if (errno != EAGAIN && errno != EINTR) return fail("read", {{{"fd", fd_.get()}}});
    if (const auto ready = wait_readable({fd_.get()}, deadline); !ready)
      return Failure(ready.error());
  }
}

}  // namespace ipc
