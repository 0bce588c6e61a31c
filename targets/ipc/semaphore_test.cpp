// SPDX-License-Identifier: MIT
#include "targets/ipc/semaphore.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include <array>
#include <chrono>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/sysv_testing.h"

namespace ipc {
namespace {

using testing::in_child;
using testing::me;
using testing::own_key;
using namespace std::chrono_literals;

template <class T>
Kind kind_of_failure(const Result<T>& result) {
  return result ? Kind::system : result.error().kind;
}

struct SemaphoreTest : ::testing::Test {
  const key_t key_ = own_key();  // also in children
  Semaphore lock_ = std::move(*Semaphore::create(key_, me()));

  Semaphore open() const { return std::move(*Semaphore::open(key_, me())); }
  int value() const { return ::semctl(lock_.id(), 0, GETVAL); }
  // As a program does that knows nothing of SEM_UNDO, and dies.
  void leave_locked_without_undo() const {
    ASSERT_TRUE(in_child([this] {
      sembuf steps[2] = {{0, 0, IPC_NOWAIT}, {0, 1, IPC_NOWAIT}};
      return ::semop(lock_.id(), steps, 2) == 0;
    }));
  }
  // A child that holds the lock until it is killed.
  pid_t start_holder() const {
    const pid_t child = ::fork();
    if (child == 0) {
      auto mine = open();
      if (!mine.lock(Deadline::never())) ::_exit(1);
      for (;;) ::pause();
    }
    while (value() == 0 && ::waitpid(child, nullptr, WNOHANG) == 0) {
    }
    return child;
  }
  static void kill(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  // Until somebody sleeps on the lock, or `child` has ended.
  void wait_for_sleeper(pid_t child) const {
    siginfo_t ended{};
    while (::semctl(lock_.id(), 0, GETZCNT) == 0 && ended.si_pid == 0)
      ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOHANG | WNOWAIT);
  }
};

TEST_F(SemaphoreTest, is_free_from_the_first_moment) {
  EXPECT_EQ(value(), 0);
  Semaphore other = open();
  EXPECT_TRUE(other.try_lock());
  EXPECT_EQ(kind_of_failure(lock_.try_lock()), Kind::would_block);
  EXPECT_TRUE(other.unlock());
  EXPECT_TRUE(lock_.try_lock());
}

TEST_F(SemaphoreTest, only_the_holder_unlocks) {
  Semaphore other = open();
  ASSERT_TRUE(lock_.lock(Deadline::never()));
  EXPECT_TRUE(lock_.is_held());
  EXPECT_EQ(kind_of_failure(other.unlock()), Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(lock_.lock(Deadline::never())), Kind::bad_argument);
  EXPECT_TRUE(in_child([this] {
    return kind_of_failure(lock_.unlock()) == Kind::bad_argument &&
           kind_of_failure(lock_.try_lock()) == Kind::bad_argument &&
           kind_of_failure(lock_.free_stale(Deadline::now())) == Kind::bad_argument;
  }));
  EXPECT_EQ(value(), 1);
  EXPECT_TRUE(lock_.unlock());
  EXPECT_EQ(kind_of_failure(lock_.unlock()), Kind::bad_argument);
  EXPECT_EQ(value(), 0);
}

TEST_F(SemaphoreTest, a_guard_unlocks_at_its_end) {
  {
    auto held = lock_.guard(Deadline::now());
    ASSERT_TRUE(held);
    const auto moved = std::move(*held);
    EXPECT_EQ(value(), 1);
    Semaphore other = open();
    EXPECT_EQ(kind_of_failure(other.guard(Deadline::now())), Kind::would_block);
  }
  EXPECT_EQ(value(), 0);
}

TEST_F(SemaphoreTest, a_handle_unlocks_at_its_end_and_moves) {
  {
    Semaphore other = open();
    ASSERT_TRUE(other.try_lock());
    Semaphore moved = std::move(other);
    EXPECT_TRUE(moved.is_held());
    Semaphore* const same = &moved;
    moved = std::move(*same);
    EXPECT_EQ(value(), 1);
    moved = std::move(*Semaphore::create(IPC_PRIVATE, me()));
    EXPECT_EQ(value(), 0);
    ASSERT_TRUE(lock_.try_lock());
  }
  EXPECT_EQ(value(), 1);
}

TEST_F(SemaphoreTest, the_creator_removes_and_a_child_does_not) {
  const int id = lock_.id();
  Semaphore* const inherited = &lock_;
  EXPECT_TRUE(in_child([inherited] { return inherited->~Semaphore(), true; }));
  EXPECT_EQ(::semctl(id, 0, GETVAL), 0);
  lock_ = std::move(*Semaphore::create(IPC_PRIVATE, me()));
  EXPECT_EQ(::semctl(id, 0, GETVAL), -1);
  int kept = -1;
  {
    auto other = Semaphore::create(key_, me());
    ASSERT_TRUE(other);
    other->keep();
    kept = other->id();
  }
  EXPECT_EQ(::semctl(kept, 0, GETVAL), 0);
  EXPECT_TRUE(open().remove());
}

TEST_F(SemaphoreTest, creates_exclusively_or_opens) {
  EXPECT_EQ(kind_of_failure(Semaphore::create(key_, me())), Kind::exists);
  auto opened = Semaphore::create_or_open(key_, me());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->id(), lock_.id());
  ASSERT_TRUE(lock_.remove());
  EXPECT_EQ(kind_of_failure(Semaphore::open(key_, me())), Kind::not_found);
  EXPECT_EQ(kind_of_failure(Semaphore::open(IPC_PRIVATE, me())), Kind::bad_argument);
  EXPECT_TRUE(Semaphore::create_or_open(key_, me()));
}

TEST_F(SemaphoreTest, foreign_sets_are_refused) {
  ASSERT_TRUE(lock_.remove());
  int id = ::semget(key_, 1, IPC_CREAT | IPC_EXCL | 0600);
  EXPECT_EQ(kind_of_failure(Semaphore::create_or_open(key_, me())), Kind::wrong_type);
  ::semctl(id, 0, IPC_RMID);
  id = ::semget(key_, 2, IPC_CREAT | IPC_EXCL | 0666);
  EXPECT_EQ(kind_of_failure(Semaphore::open(key_, me())), Kind::permission);
  ::semctl(id, 0, IPC_RMID);
}

TEST_F(SemaphoreTest, waits_until_the_deadline) {
  const pid_t holder = start_holder();
  {
    const pipewrench::VirtualTime time;
    EXPECT_EQ(kind_of_failure(lock_.try_lock()), Kind::would_block);
    EXPECT_EQ(kind_of_failure(lock_.lock(Deadline::after(1250ms))), Kind::timed_out);
    EXPECT_EQ(pipewrench::VirtualTime::elapsed_ns(), 1'250'000'000);
    EXPECT_EQ(kind_of_failure(lock_.free_stale(Deadline::now())), Kind::not_found);
  }
  kill(holder);
}

TEST_F(SemaphoreTest, a_killed_holder_gives_the_lock_back) {
  const pid_t holder = start_holder();
  EXPECT_EQ(kind_of_failure(lock_.try_lock()), Kind::would_block);
  ::kill(holder, SIGKILL);
  EXPECT_TRUE(lock_.lock(Deadline::never()));
  ::waitpid(holder, nullptr, 0);
}

TEST_F(SemaphoreTest, a_holder_dead_without_undo_is_stale_and_can_be_freed_once) {
  leave_locked_without_undo();
  EXPECT_EQ(kind_of_failure(lock_.try_lock()), Kind::stale);
  EXPECT_EQ(kind_of_failure(lock_.lock(Deadline::never())), Kind::stale);
  EXPECT_TRUE(lock_.free_stale(Deadline::now()));
  EXPECT_EQ(kind_of_failure(lock_.free_stale(Deadline::now())), Kind::not_found);
  EXPECT_TRUE(lock_.try_lock());
  Semaphore other = open();
  EXPECT_EQ(kind_of_failure(other.free_stale(Deadline::now())), Kind::not_found);
  EXPECT_EQ(value(), 1);
}

TEST_F(SemaphoreTest, only_one_frees_at_a_time) {
  leave_locked_without_undo();
  sembuf step{1, 1, IPC_NOWAIT};
  ASSERT_EQ(::semop(lock_.id(), &step, 1), 0);
  EXPECT_EQ(kind_of_failure(lock_.free_stale(Deadline::now())), Kind::would_block);
}

TEST_F(SemaphoreTest, removal_wakes_the_sleeper) {
  ASSERT_TRUE(lock_.try_lock());
  const pid_t child = ::fork();
  if (child == 0) {
    auto mine = open();
    ::_exit(kind_of_failure(mine.lock(Deadline::never())) == Kind::removed ? 0 : 1);
  }
  wait_for_sleeper(child);
  EXPECT_TRUE(lock_.remove());
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(kind_of_failure(lock_.try_lock()), Kind::removed);
  EXPECT_EQ(kind_of_failure(lock_.remove()), Kind::removed);
}

TEST_F(SemaphoreTest, removal_under_the_holder_is_told_and_forgotten) {
  ASSERT_TRUE(lock_.try_lock());
  ASSERT_EQ(::semctl(lock_.id(), 0, IPC_RMID), 0);
  EXPECT_EQ(kind_of_failure(lock_.unlock()), Kind::removed);
  EXPECT_EQ(kind_of_failure(lock_.unlock()), Kind::bad_argument);
}

TEST_F(SemaphoreTest, meddling_is_told) {
  ASSERT_TRUE(lock_.try_lock());
  ASSERT_EQ(::semctl(lock_.id(), 0, SETVAL, 0), 0);
  EXPECT_EQ(kind_of_failure(lock_.unlock()), Kind::corrupt);
  EXPECT_FALSE(lock_.is_held());
}

TEST_F(SemaphoreTest, eintr_is_retried_or_reported) {
  Semaphore other = open();
  ASSERT_TRUE(other.try_lock());
  // The third fault of semop's row is EINTR.
  const std::array<std::uint8_t, 2> interrupted{3, 3};
  const pipewrench::VirtualTime time;
  const auto with_eintr = [&](OnSignal on_signal) {
    Semaphore& lock = lock_;
    const pipewrench::Faults faults(interrupted);
    return kind_of_failure(lock.lock(Deadline::after(200ms), on_signal));
  };
  EXPECT_EQ(with_eintr(OnSignal::retry), Kind::timed_out);
  EXPECT_EQ(with_eintr(OnSignal::report), Kind::interrupted);
}

TEST_F(SemaphoreTest, stop_and_continue_do_not_end_a_wait) {
  ASSERT_TRUE(lock_.try_lock());
  const pid_t child = ::fork();
  if (child == 0) {
    auto mine = open();
    ::_exit(mine.lock(Deadline::never()) ? 0 : 1);
  }
  wait_for_sleeper(child);
  int status = -1;
  ::kill(child, SIGSTOP);
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  ::kill(child, SIGCONT);
  wait_for_sleeper(child);
  ASSERT_TRUE(lock_.unlock());
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SemaphoreTest, shuts_out_all_others) {
  constexpr int kProcesses = 4, kEach = 200;
  auto* const count = static_cast<volatile int*>(
      ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::array<pid_t, kProcesses> children{};
  for (pid_t& child : children) {
    child = ::fork();
    if (child != 0) continue;
    auto mine = Semaphore::create_or_open(key_, me());
    for (int i = 0; i < kEach; ++i) {
      const auto held = mine->guard(Deadline::never());
      if (!held) ::_exit(1);
      const int before = *count;
      *count = before + 1;
    }
    mine->keep();
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(*count, kProcesses * kEach);
  ::munmap(const_cast<int*>(count), sizeof(int));
}

TEST_F(SemaphoreTest, every_fault_at_every_call_is_an_error_or_nothing) {
  ASSERT_TRUE(lock_.remove());
  const ProcessId id = me();
  const key_t key = key_;
  for (const bool has_old : {false, true})
    for (std::uint8_t choice = 1; choice <= 5; ++choice)
      for (std::uint8_t skip = 0;; ++skip) {
        ASSERT_LT(skip, 60);
        auto old = Semaphore::create(has_old ? key : IPC_PRIVATE, id);
        ASSERT_TRUE(old);
        bool is_played = false;
        {
          const pipewrench::Guard guard;
          const pipewrench::VirtualTime time;
          const auto choices = pipewrench::fault_at(skip, choice);
          const pipewrench::Faults faults(choices);
          auto lock = Semaphore::create_or_open(key, id);
          if (lock) {
            const auto locked = lock->lock(Deadline::after(1s));
            EXPECT_EQ(lock->is_held(), locked.has_value());
            if (locked) static_cast<void>(lock->unlock());
            static_cast<void>(lock->free_stale(Deadline::now()));
          }
          is_played = skip < faults.calls();
        }
        if (!is_played) break;
      }
}

TEST_F(SemaphoreTest, every_fault_on_a_stale_lock_is_an_error_or_nothing) {
  for (std::uint8_t choice = 1; choice <= 5; ++choice)
    for (std::uint8_t skip = 0;; ++skip) {
      ASSERT_LT(skip, 60);
      ASSERT_EQ(::semctl(lock_.id(), 0, SETVAL, 0), 0);
      leave_locked_without_undo();
      Semaphore& lock = lock_;
      bool is_played = false;
      {
        const pipewrench::Guard guard;
        const pipewrench::VirtualTime time;
        const auto choices = pipewrench::fault_at(skip, choice);
        const pipewrench::Faults faults(choices);
        static_cast<void>(lock.lock(Deadline::after(1s)));
        static_cast<void>(lock.free_stale(Deadline::after(1s)));
        is_played = skip < faults.calls();
      }
      ASSERT_EQ(::semctl(lock_.id(), 1, SETVAL, 0), 0);
      if (!is_played) break;
    }
}

TEST_F(SemaphoreTest, gives_up_when_others_are_always_faster) {
  ASSERT_TRUE(lock_.remove());
  // The third fault of semget's row is EEXIST; open() then finds nothing.
  std::array<std::uint8_t, 64> choices{};
  for (std::size_t i = 0; i < choices.size(); i += 2) choices[i] = 3;
  const key_t key = key_;
  const auto given_up = [&] {
    const pipewrench::Faults faults(choices);
    return Semaphore::create_or_open(key, {.pid = 1, .start_ticks = 1});
  }();
  EXPECT_EQ(kind_of_failure(given_up), Kind::would_block);
}

}  // namespace
}  // namespace ipc
