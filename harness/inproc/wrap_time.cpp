// Wrappers of clocks, sleeps and timers, and of futex waits made through syscall().
// SPDX-License-Identifier: MIT
#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdarg>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

using namespace pipewrench;

namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

timespec to_timespec(std::int64_t time_ns) {
  return {.tv_sec = time_ns / kNsPerSecond, .tv_nsec = time_ns % kNsPerSecond};
}

// Returns how much of the sleep is left, 0 for all slept. A sleep that the input interrupts ends at
// once.
std::int64_t sleep_virtually(std::int64_t wait_ns) {
  const std::int64_t until_ns = clock_state::now_ns() + wait_ns;
  const int result = with_fault(Call::nanosleep, {}, [&] {
    return clock_state::sleep_ns("nanosleep", std::max<std::int64_t>(wait_ns, 0)) ==
                   clock_state::Wake::timed_out
               ? 0
               : -1;
  });
  return result == 0 ? 0 : std::max<std::int64_t>(until_ns - clock_state::now_ns(), 1);
}

// FUTEX_WAIT takes a relative time-out, FUTEX_WAIT_BITSET an absolute one (futex(2)).
long futex_wait_virtually(long* arguments) {
  const auto* timeout = reinterpret_cast<const timespec*>(arguments[3]);
  const bool is_absolute = (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
  // Not asked of the kernel: a time-out of zero still puts the thread to sleep for a moment.
  const auto* word = reinterpret_cast<const std::uint32_t*>(arguments[0]);
  if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != static_cast<std::uint32_t>(arguments[2])) {
    errno = EAGAIN;
    return -1;
  }
  std::int64_t wait_ns = -1;
  if (timeout != nullptr) {
    const std::int64_t time_ns = clock_state::to_ns(*timeout);
    wait_ns = std::max<std::int64_t>(is_absolute ? time_ns - clock_state::now_ns() : time_ns, 0);
  }
  errno =
      clock_state::sleep_ns("futex", wait_ns) == clock_state::Wake::timed_out ? ETIMEDOUT : EINTR;
  return -1;
}

}  // namespace

extern "C" {

int __wrap_clock_gettime(clockid_t clock, timespec* time) {
  if (clock_state::is_virtual()) return *time = to_timespec(clock_state::now_ns()), 0;
  clock_state::forbid_real_clock("clock_gettime");
  return clock_state::real_clock_gettime(clock, time);
}

int __wrap_gettimeofday(timeval* time, void* zone) {
  if (!clock_state::is_virtual()) {
    clock_state::forbid_real_clock("gettimeofday");
    return __real_gettimeofday(time, zone);
  }
  const timespec now = to_timespec(clock_state::now_ns());
  *time = {.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
  return 0;
}

time_t __wrap_time(time_t* time) {
  if (!clock_state::is_virtual()) {
    clock_state::forbid_real_clock("time");
    return __real_time(time);
  }
  const time_t now = to_timespec(clock_state::now_ns()).tv_sec;
  if (time != nullptr) *time = now;
  return now;
}

int __wrap_nanosleep(const timespec* wait, timespec* left) {
  if (!clock_state::is_virtual()) return __real_nanosleep(wait, left);
  const std::int64_t left_ns = sleep_virtually(clock_state::to_ns(*wait));
  if (left_ns == 0) return 0;
  if (left != nullptr) *left = to_timespec(left_ns);
  errno = EINTR;
  return -1;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const timespec* wait, timespec* left) {
  if (!clock_state::is_virtual()) return __real_clock_nanosleep(clock, flags, wait, left);
  const std::int64_t time_ns = clock_state::to_ns(*wait);
  const bool is_absolute = (flags & TIMER_ABSTIME) != 0;
  const std::int64_t left_ns =
      sleep_virtually(is_absolute ? time_ns - clock_state::now_ns() : time_ns);
  if (left_ns != 0 && left != nullptr && !is_absolute) *left = to_timespec(left_ns);
  return left_ns == 0 ? 0 : EINTR;  // the error itself, not -1 (clock_nanosleep(2))
}

unsigned __wrap_sleep(unsigned seconds) {
  if (!clock_state::is_virtual()) return __real_sleep(seconds);
  const std::int64_t left_ns = sleep_virtually(seconds * kNsPerSecond);
  return static_cast<unsigned>((left_ns + kNsPerSecond - 1) / kNsPerSecond);
}

int __wrap_usleep(useconds_t wait_us) {
  if (!clock_state::is_virtual()) return __real_usleep(wait_us);
  if (sleep_virtually(wait_us * 1000L) == 0) return 0;
  errno = EINTR;
  return -1;
}

int __wrap_timer_create(clockid_t clock, sigevent* event, timer_t* timer) {
  return with_fault(Call::timer, {}, [&] {
    if (!clock_state::is_virtual()) return __real_timer_create(clock, event, timer);
    *timer = nullptr;
    return 0;
  });
}

int __wrap_timer_settime(timer_t timer, int flags, const itimerspec* when, itimerspec* old) {
  if (!clock_state::is_virtual()) return __real_timer_settime(timer, flags, when, old);
  const std::int64_t time_ns = clock_state::to_ns(when->it_value);
  const bool is_absolute = (flags & TIMER_ABSTIME) != 0;
  const std::int64_t left_ns =
      time_ns == 0 ? clock_state::disarm_timer()
                   : clock_state::arm_timer(is_absolute ? time_ns - clock_state::now_ns() : time_ns,
                                            clock_state::to_ns(when->it_interval));
  if (old != nullptr) *old = {.it_interval = {}, .it_value = to_timespec(left_ns)};
  return 0;
}

int __wrap_timer_delete(timer_t timer) {
  if (!clock_state::is_virtual()) return __real_timer_delete(timer);
  clock_state::disarm_timer();
  return 0;
}

// Callers pass as many arguments as their call has; reading all six is what the kernel does too.
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...) {
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  const long command = arguments[1] & FUTEX_CMD_MASK;
  if (number == SYS_futex && clock_state::is_virtual() &&
      (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET))
    return futex_wait_virtually(arguments);
  return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                        arguments[4], arguments[5]);
}

}  // extern "C"
