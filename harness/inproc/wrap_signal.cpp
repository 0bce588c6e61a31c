// Wrappers of signal calls that do not read a clock themselves.
// SPDX-License-Identifier: MIT
#include <sys/pidfd.h>
#include <sys/signalfd.h>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

using namespace pipewrench;

namespace {

// A pending signal of the set is returned at once: the wait neither ends nor is interrupted.
bool is_pending(const sigset_t& set) {
  sigset_t both;
  sigemptyset(&both);
  ::sigpending(&both);
  sigandset(&both, &both, &set);
  return sigisemptyset(&both) == 0;
}

}  // namespace

extern "C" {

int __wrap_kill(pid_t pid, int signal) {
  return with_fault(Call::kill, {}, [&] { return __real_kill(pid, signal); });
}

int __wrap_pidfd_open(pid_t pid, unsigned flags) {
  return with_fault(Call::pidfd_open, {}, [&] { return __real_pidfd_open(pid, flags); });
}

int __wrap_pidfd_send_signal(int pidfd, int signal, siginfo_t* info, unsigned flags) {
  return with_fault(Call::pidfd_send_signal, {},
                    [&] { return __real_pidfd_send_signal(pidfd, signal, info, flags); });
}

int __wrap_sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  const std::int64_t wait_ns = timeout == nullptr ? -1 : clock_state::to_ns(*timeout);
  const bool pending = is_pending(*set);
  return with_fault(
      Call::sigtimedwait,
      {wait_ns < 0 || pending ? EAGAIN : kNone, wait_ns == 0 || pending ? EINTR : kNone}, [&] {
        if (!clock_state::is_virtual()) return __real_sigtimedwait(set, info, timeout);
        const timespec none{};
        const int signal = __real_sigtimedwait(set, info, &none);
        if (signal >= 0 || errno != EAGAIN) return signal;
        errno = clock_state::sleep_ns("sigtimedwait", wait_ns) == clock_state::Wake::timed_out
                    ? EAGAIN
                    : EINTR;
        return -1;
      });
}

int __wrap_signalfd(int fd, const sigset_t* set, int flags) {
  return with_fault(Call::signalfd, {}, [&] { return __real_signalfd(fd, set, flags); });
}

}  // extern "C"
