// Each kind of leftover in a child process of its own (death tests), with the remedy that it
// prints.
// SPDX-License-Identifier: MIT
#include "harness/inproc/guard.h"

#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

#include "harness/inproc/start.h"
#include "harness/inproc/virtual_time.h"

namespace pipewrench {
namespace {

// With an IPC namespace of its own the guard can count objects; what a child leaves dies with the
// namespace.
class InNamespace : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!has_own_namespace()) start({.name = "guard_test", .options = ""}, nullptr, nullptr);
  }
  void SetUp() override {
    if (!has_own_namespace())
      GTEST_SKIP() << "PIPEWRENCH_NAMESPACE=host: the host's objects are not counted";
  }
};
using guard = InNamespace;
using guard_death = InNamespace;

void expect_abort(void (*leave)(), const char* message) {
  EXPECT_DEATH(
      {
        const Guard guarded;
        leave();
      },
      message);
}

TEST_F(guard, is_silent_when_everything_is_put_back) {
  const Guard guarded;
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  ::close(fds[0]);
  ::close(fds[1]);
  ::msgctl(::msgget(IPC_PRIVATE, 0600), IPC_RMID, nullptr);
  ::shmctl(::shmget(IPC_PRIVATE, 1, 0600), IPC_RMID, nullptr);
  ::semctl(::semget(IPC_PRIVATE, 1, 0600), 0, IPC_RMID);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  const VirtualTime time;
  EXPECT_NE(::time(nullptr), -1);
}

TEST_F(guard, tolerates_what_was_there_before) {
  int fds[2];
  ASSERT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  {
    const Guard guarded;
  }
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST_F(guard, gives_the_clock_back) {
  {
    const Guard guarded;
  }
  EXPECT_NE(::time(nullptr), -1);
  EXPECT_GT(std::chrono::steady_clock::now().time_since_epoch().count(), 0);
}

TEST_F(guard_death, names_a_leaked_descriptor) {
  expect_abort(
      [] {
        int fds[2];
        if (::pipe(fds) == 0) ::close(fds[1]);
      },
      "left descriptor [0-9]+ \\(pipe:.*\\) behind.\n.*to fix: close every descriptor");
}

TEST_F(guard_death, counts_queues) {
  expect_abort([] { ::msgget(IPC_PRIVATE, 0600); },
               "left 1 message queue.*\n.*to fix: msgctl\\(id, IPC_RMID\\)");
}

TEST_F(guard_death, counts_segments) {
  expect_abort([] { ::shmget(IPC_PRIVATE, 1, 0600); },
               "left 1 shared memory segment.*\n.*to fix: shmctl\\(id, IPC_RMID\\) and shmdt");
}

TEST_F(guard_death, counts_a_removed_segment_that_is_still_attached) {
  expect_abort(
      [] {
        const int id = ::shmget(IPC_PRIVATE, 1, 0600);
        ::shmat(id, nullptr, 0);
        ::shmctl(id, IPC_RMID, nullptr);
      },
      "left 1 shared memory segment");
}

TEST_F(guard_death, counts_semaphore_sets) {
  expect_abort([] { ::semget(IPC_PRIVATE, 3, 0600); },
               "left 1 semaphore set.*\n.*to fix: semctl\\(id, 0, IPC_RMID\\)");
}

TEST_F(guard_death, notices_a_living_or_unreaped_child) {
  expect_abort(
      [] {
        if (::fork() == 0) ::_exit(0);
      },
      "left a child process behind.\n.*to fix: wait for every child");
}

TEST_F(guard_death, forbids_each_way_to_read_the_real_clock) {
  expect_abort(
      [] {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
      },
      "read the real clock with clock_gettime.*\n.*to fix: construct a pipewrench::VirtualTime");
  expect_abort(
      [] {
        timeval now{};
        ::gettimeofday(&now, nullptr);
      },
      "read the real clock with gettimeofday");
  expect_abort([] { ::time(nullptr); }, "read the real clock with time");
  expect_abort([] { std::ignore = std::chrono::steady_clock::now(); },
               "read the real clock with clock_gettime");
}

}  // namespace
}  // namespace pipewrench
