// Every wait here would last for ever or for hours: a test that ends has jumped.
// SPDX-License-Identifier: MIT
#include "harness/inproc/virtual_time.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <thread>

#include "harness/inproc/faults.h"
#include "harness/inproc/wrap.h"

namespace pipewrench {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kHour_s = 3600;
constexpr timespec kHour{.tv_sec = kHour_s, .tv_nsec = 0};

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

std::int64_t elapsed_s() { return VirtualTime::elapsed_ns() / kNsPerSecond; }

void arm(std::int64_t after_s, std::int64_t interval_s = 0) {
  timer_t timer{};
  ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, nullptr, &timer), 0);
  const itimerspec when{.it_interval = {.tv_sec = interval_s, .tv_nsec = 0},
                        .it_value = {.tv_sec = after_s, .tv_nsec = 0}};
  ASSERT_EQ(::timer_settime(timer, 0, &when, nullptr), 0);
}

struct Queue {
  int id = ::msgget(IPC_PRIVATE, 0600);
  ~Queue() { ::msgctl(id, IPC_RMID, nullptr); }
};

struct Semaphore {
  int id = ::semget(IPC_PRIVATE, 1, 0600);
  ~Semaphore() { ::semctl(id, 0, IPC_RMID); }
};

TEST(virtual_time, stands_still_between_waits_and_starts_anew) {
  std::int64_t first_ns = 0;
  for (int round = 0; round < 2; ++round) {
    const VirtualTime time;
    if (round == 0) first_ns = monotonic_ns();
    EXPECT_EQ(monotonic_ns(), first_ns);
    EXPECT_EQ(::poll(nullptr, 0, 1000), 0);
    EXPECT_EQ(monotonic_ns(), first_ns + kNsPerSecond);
  }
}

TEST(virtual_time, is_one_clock_under_all_its_names) {
  const VirtualTime time;
  const std::int64_t now_ns = monotonic_ns();
  timeval day{};
  EXPECT_EQ(::gettimeofday(&day, nullptr), 0);
  EXPECT_EQ(day.tv_sec, now_ns / kNsPerSecond);
  EXPECT_EQ(::time(nullptr), now_ns / kNsPerSecond);
  // In libstdc++.so, out of the linker's sight.
  EXPECT_EQ(std::chrono::steady_clock::now().time_since_epoch().count(), now_ns);
  EXPECT_EQ(std::chrono::system_clock::now().time_since_epoch().count(), now_ns);
}

TEST(virtual_time, is_real_again_afterwards) {
  const auto before = std::chrono::steady_clock::now();
  {
    const VirtualTime time;
  }
  EXPECT_LE(before, std::chrono::steady_clock::now());
}

TEST(virtual_time, poll_and_relatives_jump_to_their_timeout) {
  const VirtualTime time;
  EXPECT_EQ(::poll(nullptr, 0, kHour_s * 1000), 0);
  EXPECT_EQ(elapsed_s(), kHour_s);
  EXPECT_EQ(::ppoll(nullptr, 0, &kHour, nullptr), 0);
  EXPECT_EQ(elapsed_s(), 2 * kHour_s);
  timeval wait{.tv_sec = kHour_s, .tv_usec = 0};
  EXPECT_EQ(::select(0, nullptr, nullptr, nullptr, &wait), 0);
  EXPECT_EQ(elapsed_s(), 3 * kHour_s);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  EXPECT_EQ(::epoll_wait(epoll, &event, 1, kHour_s * 1000), 0);
  EXPECT_EQ(elapsed_s(), 4 * kHour_s);
  ::close(epoll);
}

TEST(virtual_time, what_is_ready_does_not_jump) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  {
    const VirtualTime time;
    pollfd entry{.fd = fds[1], .events = POLLOUT, .revents = 0};
    EXPECT_EQ(::poll(&entry, 1, -1), 1);
    EXPECT_EQ(elapsed_s(), 0);
  }
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(virtual_time, naps_jump) {
  const VirtualTime time;
  EXPECT_EQ(::nanosleep(&kHour, nullptr), 0);
  std::this_thread::sleep_for(std::chrono::hours(1));
  EXPECT_EQ(::sleep(kHour_s), 0u);
  EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &kHour, nullptr), 0);
  EXPECT_EQ(elapsed_s(), 4 * kHour_s);
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += kHour_s;
  EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);
  EXPECT_EQ(elapsed_s(), 5 * kHour_s);
}

TEST(virtual_time, interrupted_nap_tells_what_is_left) {
  const VirtualTime time;
  arm(kHour_s / 4);
  timespec left{};
  EXPECT_EQ(::nanosleep(&kHour, &left), -1);
  EXPECT_EQ(errno, EINTR);
  EXPECT_EQ(left.tv_sec, kHour_s * 3 / 4);
  arm(kHour_s / 4);
  EXPECT_EQ(::clock_nanosleep(CLOCK_MONOTONIC, 0, &kHour, &left), EINTR);
  const std::uint8_t choices[] = {1};
  Faults faults(choices);
  EXPECT_EQ(::sleep(10), 10u);
}

TEST(virtual_time, sigtimedwait_jumps_or_takes_what_is_pending) {
  sigset_t set;
  sigset_t old;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR2);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &set, &old), 0);
  {
    const VirtualTime time;
    EXPECT_EQ(::sigtimedwait(&set, nullptr, &kHour), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(elapsed_s(), kHour_s);
    ::raise(SIGUSR2);
    EXPECT_EQ(::sigtimedwait(&set, nullptr, nullptr), SIGUSR2);
  }
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

TEST(virtual_time, semtimedop_jumps_to_its_timeout) {
  const Semaphore semaphore;
  const VirtualTime time;
  sembuf take{.sem_num = 0, .sem_op = -1, .sem_flg = 0};
  EXPECT_EQ(::semtimedop(semaphore.id, &take, 1, &kHour), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(elapsed_s(), kHour_s);
  arm(kHour_s);
  EXPECT_EQ(::semop(semaphore.id, &take, 1), -1);
  EXPECT_EQ(errno, EINTR);
}

TEST(virtual_time, a_timer_interrupts_msgrcv_once_or_each_interval) {
  const Queue queue;
  const VirtualTime time;
  struct {
    long type;
    char text[8];
  } message{};
  arm(kHour_s, 10);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(::msgrcv(queue.id, &message, sizeof message.text, 0, 0), -1);
    EXPECT_EQ(errno, EINTR);
    EXPECT_EQ(elapsed_s(), kHour_s + 10 * round);
  }
}

TEST(virtual_time, timer_settime_returns_what_was_left) {
  const VirtualTime time;
  arm(kHour_s);
  itimerspec old{};
  const itimerspec off{};
  EXPECT_EQ(::timer_settime(nullptr, 0, &off, &old), 0);
  EXPECT_EQ(old.it_value.tv_sec, kHour_s);
  EXPECT_EQ(::timer_settime(nullptr, 0, &off, &old), 0);
  EXPECT_EQ(old.it_value.tv_sec, 0);
  EXPECT_EQ(::timer_delete(nullptr), 0);
}

TEST(virtual_time, futex_jumps_to_its_timeout) {
  std::uint32_t word = 1;
  const VirtualTime time;
  EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT, 1, &kHour, nullptr, 0), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_EQ(elapsed_s(), kHour_s);
  EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT, 2, &kHour, nullptr, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += kHour_s;
  EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, &until, nullptr, 1), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  EXPECT_EQ(elapsed_s(), 2 * kHour_s);
  arm(kHour_s);
  EXPECT_EQ(::syscall(SYS_futex, &word, FUTEX_WAIT, 1, nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EINTR);
}

bool handler_saw_real_time = false;
void look_at_the_clock(int) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  handler_saw_real_time = now > std::chrono::hours(24 * 365 * 50);  // virtual time stands in 2001
}

TEST(virtual_time, handlers_installed_before_an_input_see_real_time) {
  struct sigaction action{};
  struct sigaction old{};
  action.sa_handler = look_at_the_clock;
  ASSERT_EQ(::sigaction(SIGUSR2, &action, nullptr), 0);
  {
    const VirtualTime time;
    ::raise(SIGUSR2);
    EXPECT_EQ(monotonic_ns(), 1'000'000'000 * kNsPerSecond);
  }
  EXPECT_TRUE(handler_saw_real_time);
  action.sa_handler = SIG_DFL;
  ASSERT_EQ(::sigaction(SIGUSR2, &action, &old), 0);
  EXPECT_EQ(old.sa_handler, look_at_the_clock);
}

// A signal that is pending when the call begins: ppoll() lets it through at once.
int ppoll_with_pending(int signal) {
  sigset_t blocked, none;
  ::sigemptyset(&none);
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, signal);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::raise(signal);
  const int result = ::ppoll(nullptr, 0, &kHour, &none);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  return result;
}

TEST(virtual_time, the_engines_alarm_does_not_show_and_the_inputs_signals_do) {
  struct sigaction action{};
  action.sa_handler = look_at_the_clock;
  ASSERT_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
  handler_saw_real_time = false;
  {
    const VirtualTime time;
    EXPECT_EQ(ppoll_with_pending(SIGALRM), 0);
    EXPECT_EQ(elapsed_s(), kHour_s);
    EXPECT_TRUE(handler_saw_real_time);
    struct sigaction own{}, before{};
    own.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGUSR1, &own, &before), 0);
    EXPECT_EQ(ppoll_with_pending(SIGUSR1), -1);
    EXPECT_EQ(errno, EINTR);
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
  }
  struct sigaction installed{};
  ASSERT_EQ(__real_sigaction(SIGALRM, nullptr, &installed), 0);
  EXPECT_NE(installed.sa_flags & SA_RESTART, 0);  // for tee() and all that poll() is not
  ASSERT_EQ(::sigaction(SIGALRM, nullptr, &installed), 0);
  EXPECT_EQ(installed.sa_flags & SA_RESTART, 0);
  action.sa_handler = SIG_DFL;
  ASSERT_EQ(::sigaction(SIGALRM, &action, nullptr), 0);
}

void expect_hang(const char* call, void (*wait)()) {
  EXPECT_DEATH(
      {
        const VirtualTime time;
        wait();
      },
      std::string("hang: ") + call +
          "\\(\\) would sleep for ever.*\n.*to fix: give the call a deadline");
}

TEST(virtual_time_death, a_wait_that_nobody_can_end_is_a_hang) {
  expect_hang("poll", [] { ::poll(nullptr, 0, -1); });
  expect_hang("ppoll", [] { ::ppoll(nullptr, 0, nullptr, nullptr); });
  expect_hang("select", [] { ::select(0, nullptr, nullptr, nullptr, nullptr); });
  expect_hang("futex", [] {
    std::uint32_t word = 1;
    ::syscall(SYS_futex, &word, FUTEX_WAIT, 1, nullptr, nullptr, 0);
  });
  expect_hang("sigtimedwait", [] {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigtimedwait(&none, nullptr, nullptr);
  });
}

// Made outside of the death test's child: there it would outlive the abort.
TEST(virtual_time_death, a_system_v_wait_that_nobody_can_end_is_a_hang) {
  static const Queue* queue;
  static const Semaphore* semaphore;
  const Queue own_queue;
  const Semaphore own_semaphore;
  queue = &own_queue;
  semaphore = &own_semaphore;
  expect_hang("msgrcv", [] {
    long message[2] = {1, 0};
    ::msgrcv(queue->id, message, sizeof message[1], 0, 0);
  });
  expect_hang("msgsnd", [] {
    const long message[2] = {1, 0};
    while (::msgsnd(queue->id, message, sizeof message[1], 0) == 0) continue;
  });
  expect_hang("semop", [] {
    sembuf take{.sem_num = 0, .sem_op = -1, .sem_flg = 0};
    ::semop(semaphore->id, &take, 1);
  });
}

TEST(virtual_time_death, a_one_shot_timer_does_not_end_the_second_wait) {
  expect_hang("poll", [] {
    arm(1);
    for (int round = 0; round < 2; ++round) ::poll(nullptr, 0, -1);
  });
}

TEST(virtual_time_death, refuses_to_nest) {
  EXPECT_DEATH(
      {
        const VirtualTime outer;
        const VirtualTime inner;
      },
      "CHECK failed");
}

}  // namespace
}  // namespace pipewrench
