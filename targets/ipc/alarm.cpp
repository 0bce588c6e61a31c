// SPDX-License-Identifier: MIT
#include "targets/ipc/alarm.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ipc {
namespace {

int signal_number() { return SIGRTMAX - 2; }

void do_nothing(int) {}

// Idempotent, so two threads may do it at once.
Result<> take_signal() {
  struct sigaction before{};
  if (::sigaction(signal_number(), nullptr, &before) != 0)
    return fail("sigaction", {{{"signal", signal_number()}}});
  if (before.sa_handler == do_nothing) return {};
  if (before.sa_handler != SIG_DFL)
    return fail(Kind::exists, 0, "sigaction", {{{"signal", signal_number()}}},
                "the program has its own handler for the signal of deadlines");
  struct sigaction action{};
  action.sa_handler = do_nothing;
  ::sigemptyset(&action.sa_mask);
  if (::sigaction(signal_number(), &action, nullptr) != 0)
    return fail("sigaction", {{{"signal", signal_number()}}});
  return {};
}

}  // namespace

Result<Alarm> Alarm::arm(Deadline deadline) {
  Alarm alarm;
  if (deadline.is_never()) return alarm;
  if (auto taken = take_signal(); !taken) return Failure(taken.error());

  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = signal_number();
  event._sigev_un._tid = ::gettid();
  if (::timer_create(CLOCK_MONOTONIC, &event, &alarm.timer_) != 0) {
    const Kind kind = errno == EAGAIN ? Kind::no_space : kind_of(errno);
    return fail(kind, errno, "timer_create");
  }
  alarm.is_armed_ = true;

  sigset_t mine;
  ::sigemptyset(&mine);
  ::sigaddset(&mine, signal_number());
  ::pthread_sigmask(SIG_UNBLOCK, &mine, &alarm.mask_before_);

  itimerspec when{};
  when.it_value = deadline.remaining();
  if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0) when.it_value.tv_nsec = 1;
  when.it_interval.tv_nsec = kRepeat_ms * 1'000'000;
  if (::timer_settime(alarm.timer_, 0, &when, nullptr) != 0) return fail("timer_settime");
  return alarm;
}

Alarm::Alarm(Alarm&& other) noexcept
    : is_armed_(std::exchange(other.is_armed_, false)),
      timer_(other.timer_),
      mask_before_(other.mask_before_) {}

Alarm::~Alarm() {
  if (!is_armed_) return;
  const int error_number = errno;  // the caller still reads the errno of its call
  ::timer_delete(timer_);
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  errno = error_number;
}

}  // namespace ipc
