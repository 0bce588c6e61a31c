// SPDX-License-Identifier: MIT
#include "targets/ipc/signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/test_support.h"
#include "targets/ipc/wait.h"

namespace ipc {
namespace {

using namespace std::chrono_literals;
using pipewrench::Faults;
using pipewrench::Guard;
using pipewrench::VirtualTime;

bool is_blocked(int number) {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return ::sigismember(&mask, number) == 1;
}

bool is_pending(int number) {
  sigset_t pending;
  ::sigpending(&pending);
  return ::sigismember(&pending, number) == 1;
}

TEST(Signal, one_that_came_before_the_wait_is_not_lost) {
  auto signals = BlockedSignals::block({SIGUSR1});
  ASSERT_TRUE(signals);
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
  const auto signal = signals->wait(Deadline::never());
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->number, SIGUSR1);
  EXPECT_EQ(signal->sender, ::getpid());
  EXPECT_EQ(signal->uid, ::getuid());
  EXPECT_TRUE(signal->sender_is_certain);
  EXPECT_EQ(signals->wait(Deadline::now()).error().kind, Kind::would_block);
}

TEST(Signal, one_that_comes_during_the_wait_ends_it) {
  auto signals = BlockedSignals::block({SIGUSR1});
  const pthread_t waiter = ::pthread_self();
  std::thread other([&] { ::pthread_kill(waiter, SIGUSR1); });
  EXPECT_EQ(signals->wait(Deadline::never())->number, SIGUSR1);
  other.join();
}

TEST(Signal, several_of_one_kind_merge) {
  auto signals = BlockedSignals::block({SIGUSR1, SIGUSR2});
  for (int i = 0; i < 3; ++i) ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
  EXPECT_EQ(signals->wait(Deadline::now())->number, SIGUSR1);  // the lowest first
  EXPECT_EQ(signals->wait(Deadline::now())->number, SIGUSR2);
  EXPECT_EQ(signals->wait(Deadline::now()).error().kind, Kind::would_block);
}

TEST(Signal, a_sender_that_names_itself_is_not_certain) {
  auto signals = BlockedSignals::block({SIGUSR1});
  ASSERT_EQ(::sigqueue(::getpid(), SIGUSR1, {}), 0);
  EXPECT_FALSE(signals->wait(Deadline::now())->sender_is_certain);
}

TEST(Signal, the_deadline_holds) {
  const VirtualTime time;
  auto signals = BlockedSignals::block({SIGUSR1});
  EXPECT_EQ(signals->wait(Deadline::after(2s)).error().kind, Kind::timed_out);
  EXPECT_EQ(VirtualTime::elapsed_ns(), 2'000'000'000);
}

TEST(Signal, is_waited_for_together_with_input) {
  auto signals = BlockedSignals::block({SIGTERM});
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(*wait_readable({reader.get(), signals->fd()}, Deadline::never()), 1u);
  EXPECT_EQ(signals->wait(Deadline::now())->number, SIGTERM);
}

TEST(Signal, the_mask_comes_back_and_what_is_pending_is_dropped) {
  {
    const auto signals = BlockedSignals::block({SIGUSR1, SIGTERM});
    EXPECT_TRUE(is_blocked(SIGUSR1));
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
  EXPECT_FALSE(is_pending(SIGTERM));
}

TEST(Signal, what_was_blocked_before_stays_blocked_and_pending) {
  auto outer = BlockedSignals::block({SIGUSR1});
  {
    const auto inner = BlockedSignals::block({SIGUSR1, SIGUSR2});
    ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
    ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  EXPECT_FALSE(is_blocked(SIGUSR2));
  EXPECT_EQ(outer->wait(Deadline::now())->number, SIGUSR1);
}

TEST(Signal, a_move_unblocks_once) {
  std::optional<BlockedSignals> kept;
  {
    auto signals = BlockedSignals::block({SIGUSR1});
    kept.emplace(std::move(*signals));
  }
  EXPECT_TRUE(is_blocked(SIGUSR1));
  kept.reset();
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(Signal, keeps_them_blocked_on_request) {
  Child child([] {
    BlockedSignals::block({SIGTERM})->keep_blocked();
    ::kill(::getpid(), SIGTERM);
  });
  child.end_unreaped();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_code, CLD_EXITED);

  BlockedSignals::block({SIGUSR1})->keep_blocked();
  EXPECT_TRUE(is_blocked(SIGUSR1));
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGUSR1);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST(Signal, refuses_what_cannot_be_blocked) {
  for (const int number : {SIGKILL, SIGSTOP, SIGSEGV, 0, -1, 32, 1000})
    EXPECT_EQ(BlockedSignals::block({SIGUSR1, number}).error().kind, Kind::bad_argument);
  EXPECT_EQ(BlockedSignals::block({}).error().kind, Kind::bad_argument);
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST(Signal, survives_every_fault_of_every_call) {
  std::size_t played = 0;
  for (std::uint8_t choice = 1; choice <= 4; ++choice) {
    for (std::uint8_t skip = 0; skip < 12; ++skip) {
      const Guard guard;
      const VirtualTime time;
      {
        const auto choices = pipewrench::fault_at(skip, choice);
        const Faults faults(choices, pipewrench::Realism::posix);
        auto signals = BlockedSignals::block({SIGUSR1});
        if (signals) {
          ::pthread_kill(::pthread_self(), SIGUSR1);
          (void)signals->wait(Deadline::after(1s));
          (void)signals->wait(Deadline::after(1s));
        }
        played += faults.played().size();
      }
      if (!is_blocked(SIGUSR1)) continue;
      // The destructor could not see that nothing is pending: blocked is what it promises.
      sigset_t set;
      ::sigemptyset(&set);
      ::sigaddset(&set, SIGUSR1);
      const timespec none{};
      while (::sigtimedwait(&set, nullptr, &none) > 0) continue;
      ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    }
  }
  EXPECT_GT(played, 10u);
}

}  // namespace
}  // namespace ipc
