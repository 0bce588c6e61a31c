// Virtual time: clocks, sleeps and timers. Reading a clock costs a little virtual time, so that a
// loop that polls the clock ends.
// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kSecond_ns = 1'000'000'000;
constexpr std::uint64_t kReading_ns = 1'000;

std::uint64_t to_ns(const timespec& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond_ns +
         static_cast<std::uint64_t>(time.tv_nsec);
}
std::uint64_t to_ns(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * kSecond_ns +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000;
}
timespec to_timespec(std::uint64_t time_ns) {
  return {static_cast<time_t>(time_ns / kSecond_ns), static_cast<long>(time_ns % kSecond_ns)};
}
timeval to_timeval(std::uint64_t time_ns) {
  return {static_cast<time_t>(time_ns / kSecond_ns),
          static_cast<suseconds_t>(time_ns % kSecond_ns / 1'000)};
}

// Absolute times on a clock become times of the run.
std::uint64_t due_at(const Run& run, int clock, std::uint64_t absolute_ns) {
  const auto zero = static_cast<std::uint64_t>(virtual_clock_ns(run, clock)) - run.now_ns;
  return absolute_ns > zero ? absolute_ns - zero : 0;
}

// Without a virtual vDSO the program's clock is the real one, and so must be what it asks the
// kernel for.
bool is_virtual(Run& run, std::uint32_t task) { return run.process_of(task).vdso != 0; }

Look look_clock(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (!is_virtual(run, task)) return Look::pass;
  run.now_ns += kReading_ns;
  const pid_t pid = run.process_of(task).pid;
  bool placed = true;
  std::int64_t result = 0;
  switch (pending.notif.data.nr) {
    case SYS_clock_gettime: {
      const std::int64_t now = virtual_clock_ns(run, static_cast<int>(pending.address(0)));
      if (now < 0) return Look::pass;  // CPU time is real
      placed = write_value(pid, pending.address(1), to_timespec(static_cast<std::uint64_t>(now)));
      break;
    }
    case SYS_gettimeofday:
      if (pending.address(0) != 0)
        placed = write_value(pid, pending.address(0), to_timeval(virtual_realtime_ns(run)));
      break;
    default:
      result = static_cast<std::int64_t>(virtual_realtime_ns(run) / kSecond_ns);
      if (pending.address(0) != 0) placed = write_value(pid, pending.address(0), result);
  }
  run.answer(task, placed ? result : -EFAULT);
  return Look::answered;
}

std::string seconds_text(std::uint64_t time_ns) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g s", static_cast<double>(time_ns) / 1e9);
  return text;
}

Look look_sleep(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const bool with_clock = pending.notif.data.nr == SYS_clock_nanosleep;
  const auto wait =
      read_value<timespec>(run.process_of(task).pid, pending.address(with_clock ? 2 : 0));
  if (!wait || wait->tv_nsec >= static_cast<long>(kSecond_ns) || wait->tv_nsec < 0 ||
      wait->tv_sec < 0)
    return Look::pass;  // EINVAL, EFAULT
  const int clock = with_clock ? static_cast<int>(pending.address(0)) : CLOCK_MONOTONIC;
  if (virtual_clock_ns(run, clock) < 0) return Look::pass;
  const bool absolute = with_clock && (pending.address(1) & TIMER_ABSTIME) != 0;
  pending.due_ns = absolute ? due_at(run, clock, to_ns(*wait)) : run.now_ns + to_ns(*wait);
  pending.detail = seconds_text(pending.due_ns > run.now_ns ? pending.due_ns - run.now_ns : 0);
  return Look::ipc;
}

bool never(Run&, std::uint32_t) { return false; }

void act_sleep(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.timed_out) {
    run.record(task, 0);
    run.answer(task, 0);
    return;
  }
  // A signal: what is left of the time is told, unless it was an absolute one.
  const bool with_clock = pending.notif.data.nr == SYS_clock_nanosleep;
  const bool absolute = with_clock && (pending.address(1) & TIMER_ABSTIME) != 0;
  const std::uint64_t rest_at = pending.address(with_clock ? 3 : 1);
  if (!absolute && rest_at != 0)
    write_value(run.process_of(task).pid, rest_at,
                to_timespec(pending.due_ns > run.now_ns ? pending.due_ns - run.now_ns : 0));
  run.record(task, -EINTR);
  run.answer(task, -EINTR);
}

Timer* find_timer(Process& process, Timer::Kind kind, int id) {
  for (Timer& timer : process.timers)
    if (timer.kind == kind && timer.id == id) return &timer;
  return nullptr;
}
Timer& timer_of(Process& process, Timer::Kind kind, int id) {
  if (Timer* timer = find_timer(process, kind, id)) return *timer;
  Timer fresh;
  fresh.kind = kind;
  fresh.id = id;
  process.timers.push_back(std::move(fresh));
  return process.timers.back();
}
std::uint64_t left_ns(const Run& run, const Timer& timer) {
  return timer.due_ns == kNever ? 0 : timer.due_ns > run.now_ns ? timer.due_ns - run.now_ns : 1;
}

// alarm, setitimer and getitimer share one timer (alarm(2)).
Look look_alarm(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  Process& process = run.process_of(task);
  const int number = pending.notif.data.nr;
  if (number != SYS_alarm && pending.address(0) != ITIMER_REAL) return Look::pass;  // CPU time
  Timer& timer = timer_of(process, Timer::Kind::real, 0);
  const std::uint64_t left = left_ns(run, timer);
  const itimerval before{to_timeval(timer.interval_ns), to_timeval(left)};
  std::int64_t result = 0;
  if (number == SYS_alarm) {
    const auto seconds = static_cast<std::uint64_t>(static_cast<unsigned>(pending.address(0)));
    result = static_cast<std::int64_t>((left + kSecond_ns - 1) / kSecond_ns);
    timer.due_ns = seconds == 0 ? kNever : run.now_ns + seconds * kSecond_ns;
    timer.interval_ns = 0;
  } else if (number == SYS_getitimer) {
    if (!write_value(process.pid, pending.address(1), before)) result = -EFAULT;
  } else {
    const auto wanted = read_value<itimerval>(process.pid, pending.address(1));
    if (!wanted) return Look::pass;
    if (pending.address(2) != 0 && !write_value(process.pid, pending.address(2), before))
      result = -EFAULT;
    const std::uint64_t wait = to_ns(wanted->it_value);
    timer.due_ns = wait == 0 ? kNever : run.now_ns + wait;
    timer.interval_ns = to_ns(wanted->it_interval);
  }
  run.answer(task, result);
  return Look::answered;
}

struct KernelSigevent {  // sigevent(7) as the kernel lays it out
  std::uint64_t value;
  int signal, notify, thread;
};

// The kernel makes the timer, which stays unarmed; its time is ours. Its id is told to a place on
// libc's stack that is gone when the task traps again, but ids are given in order, from 0 in each
// process (alloc_posix_timer).
Look look_timer_create(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  Process& process = run.process_of(task);
  const int id = process.timers_made++;
  if (virtual_clock_ns(run, static_cast<int>(pending.address(0))) < 0) return Look::pass;
  Timer& timer = timer_of(process, Timer::Kind::posix, id);
  timer.clock = static_cast<int>(pending.address(0));
  timer.signal = SIGALRM;
  timer.value = static_cast<std::uint64_t>(id);
  if (pending.address(1) == 0) return Look::pass;
  const auto event = read_value<KernelSigevent>(process.pid, pending.address(1));
  if (!event) return Look::pass;
  constexpr int kNone = 1, kThreadId = 4;  // SIGEV_NONE, SIGEV_THREAD_ID
  timer.signal = event->notify == kNone ? 0 : event->signal;
  timer.value = event->value;
  if (event->notify == kThreadId) timer.thread = event->thread;
  return Look::pass;
}

void set_timer(Run& run, Timer& timer, const itimerspec& wanted, bool absolute) {
  const std::uint64_t wait = to_ns(wanted.it_value);
  timer.interval_ns = to_ns(wanted.it_interval);
  timer.due_ns = wait == 0 ? kNever : absolute ? due_at(run, timer.clock, wait) : run.now_ns + wait;
}

Look look_timer(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  Process& process = run.process_of(task);
  const int number = pending.notif.data.nr;
  const bool descriptor = number == SYS_timerfd_settime || number == SYS_timerfd_gettime;
  const int id = static_cast<int>(pending.address(0));
  Timer* timer = find_timer(process, descriptor ? Timer::Kind::descriptor : Timer::Kind::posix, id);
  if (descriptor) {
    Fd duplicate(static_cast<int>(syscall(SYS_pidfd_getfd, process.pidfd.get(), id, 0)));
    itimerspec probe{};
    if (!duplicate || timerfd_gettime(duplicate.get(), &probe) != 0) return Look::pass;
    timer = &timer_of(process, Timer::Kind::descriptor, id);
    timer->clock = CLOCK_MONOTONIC;
    timer->signal = 0;
    timer->duplicate = std::move(duplicate);
  }
  if (timer == nullptr) return Look::pass;
  const itimerspec before{to_timespec(timer->interval_ns), to_timespec(left_ns(run, *timer))};
  const bool gets = number == SYS_timer_gettime || number == SYS_timerfd_gettime;
  const std::uint64_t old_at = pending.address(gets ? 1 : 3);
  if (!gets) {
    const auto wanted = read_value<itimerspec>(process.pid, pending.address(2));
    if (!wanted) return Look::pass;
    if (descriptor) {
      // The descriptor must not stay readable from before: disarming forgets expirations
      // (timerfd_create(2)).
      const itimerspec disarmed{};
      timerfd_settime(timer->duplicate.get(), 0, &disarmed, nullptr);
      // An absolute time far beyond the monotonic clock's can only be meant for the other one.
      if ((pending.address(1) & TFD_TIMER_ABSTIME) != 0 &&
          to_ns(wanted->it_value) > kRealtimeStart_ns / 2)
        timer->clock = CLOCK_REALTIME;
    }
    set_timer(run, *timer, *wanted, (pending.address(1) & TIMER_ABSTIME) != 0);
  }
  const bool placed = old_at == 0 || write_value(process.pid, old_at, before);
  run.answer(task, placed ? 0 : -EFAULT);
  return Look::answered;
}

Look look_timer_delete(Run& run, std::uint32_t task) {
  const int id = static_cast<int>(run.pending_of(task).address(0));
  std::erase_if(run.process_of(task).timers, [id](const Timer& timer) {
    return timer.kind == Timer::Kind::posix && timer.id == id;
  });
  return Look::pass;
}

constexpr CallRow kRows[] = {
    {SYS_clock_gettime, Call::clock_gettime, look_clock},
    {SYS_gettimeofday, Call::clock_gettime, look_clock},
    {SYS_nanosleep, Call::nanosleep, look_sleep, never, act_sleep},
    {SYS_clock_nanosleep, Call::nanosleep, look_sleep, never, act_sleep},
    {SYS_setitimer, Call::alarm, look_alarm},
    {SYS_getitimer, Call::alarm, look_alarm},
    {SYS_timer_create, Call::timer, look_timer_create},
    {SYS_timer_settime, Call::timer, look_timer},
    {SYS_timer_gettime, Call::timer, look_timer},
    {SYS_timer_delete, Call::timer, look_timer_delete},
    {SYS_timerfd_settime, Call::timerfd_settime, look_timer},
    {SYS_timerfd_gettime, Call::timerfd_settime, look_timer},
#ifdef SYS_time
    {SYS_time, Call::clock_gettime, look_clock},
    {SYS_alarm, Call::alarm, look_alarm},
#endif
};

}  // namespace

std::span<const CallRow> time_rows() { return kRows; }

}  // namespace pipewrench
