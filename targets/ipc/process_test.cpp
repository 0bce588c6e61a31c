// SPDX-License-Identifier: MIT
#include "targets/ipc/process.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "targets/ipc/test_support.h"

namespace ipc {
namespace {

using pipewrench::Faults;
using pipewrench::Guard;

TEST(Process, self_is_this_process_and_alive) {
  const auto id = self();
  ASSERT_TRUE(id);
  EXPECT_EQ(id->pid, ::getpid());
  EXPECT_GT(id->start_ticks, 0u);
  EXPECT_EQ(*identify(::getpid()), *id);
  EXPECT_TRUE(is_alive(*id));
}

TEST(Process, names_a_child_until_it_is_reaped) {
  Child child;
  const auto id = identify(child.pid());
  ASSERT_TRUE(id);
  EXPECT_TRUE(is_alive(*id));
  child.end();
  child.reap();
  EXPECT_FALSE(is_alive(*id));
  const auto gone = identify(id->pid);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, Kind::peer_gone);
}

TEST(Process, a_zombie_is_dead_but_has_a_name) {
  Child child;
  const auto id = identify(child.pid());
  ASSERT_TRUE(id);
  child.end_unreaped();
  EXPECT_TRUE(identify(child.pid()));
  EXPECT_FALSE(is_alive(*id));
}

TEST(Process, another_start_time_is_another_process) {
  auto id = *self();
  ++id.start_ticks;
  EXPECT_FALSE(is_alive(id));
}

TEST(Process, numbers_that_kill_would_take_for_a_group_are_refused) {
  for (const pid_t pid : {0, -1, -::getpid(), INT_MIN}) {
    EXPECT_FALSE(is_alive({.pid = pid, .start_ticks = 1}));
    EXPECT_EQ(identify(pid).error().kind, Kind::bad_argument);
  }
}

TEST(Process, tells_the_effective_user) {
  Child child;
  EXPECT_EQ(*effective_uid(::getpid()), ::geteuid());
  EXPECT_EQ(*effective_uid(child.pid()), ::geteuid());
  EXPECT_EQ(effective_uid(INT_MAX).error().kind, Kind::peer_gone);
  EXPECT_EQ(effective_uid(-1).error().kind, Kind::bad_argument);
}

TEST(Process, a_pid_beyond_every_limit_is_gone) {
  EXPECT_FALSE(is_alive({.pid = INT_MAX, .start_ticks = 1}));
  EXPECT_EQ(identify(INT_MAX).error().kind, Kind::peer_gone);
}

TEST(Process, a_name_with_brackets_and_blanks_does_not_shift_the_fields) {
  Child child([] { ::prctl(PR_SET_NAME, ") Z 1 (", 0, 0, 0); });
  const auto plain = identify(::getpid());
  const auto odd = identify(child.pid());
  ASSERT_TRUE(plain && odd);
  EXPECT_GE(odd->start_ticks, plain->start_ticks);
  EXPECT_TRUE(is_alive(*odd));
}

TEST(Process, the_first_threads_end_is_not_the_processs_end) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  static int announce;
  announce = ready[1];
  const pid_t pid = ::fork();
  if (pid == 0) {
    pthread_t other;
    ::pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          // The leader's state is what the parent looks at: wait for it here, then say so.
          char state = 0;
          while (state != 'Z') {
            char text[256]{};
            FILE* file = ::fopen("/proc/self/stat", "re");
            if (file == nullptr || ::fread(text, 1, sizeof(text) - 1, file) == 0) break;
            ::fclose(file);
            if (const char* end = ::strrchr(text, ')'); end != nullptr) state = end[2];
          }
          (void)!::write(announce, &state, 1);
          for (;;) ::pause();
        },
        nullptr);
    ::syscall(SYS_exit, 0);  // this thread only; pthread_exit would unwind through the test
  }
  char state = 0;
  ASSERT_EQ(::read(ready[0], &state, 1), 1);
  EXPECT_EQ(state, 'Z');
  EXPECT_TRUE(is_alive(*identify(pid)));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(Process, eperm_counts_as_alive) {
  const ProcessId me = *self();
  const auto choices = pipewrench::fault_at(0, 2);  // kill: EPERM
  const Faults faults(choices);
  EXPECT_TRUE(is_alive(me));
  ASSERT_EQ(faults.played().size(), 1u);
  EXPECT_EQ(faults.played()[0].fault->error_number, EPERM);
}

// Fails each call in turn: never a crash, never a leak, and the living are never called dead.
TEST(Process, survives_every_fault_of_every_call) {
  const ProcessId me = *self();
  std::size_t played = 0;
  for (std::uint8_t choice = 1; choice <= 8; ++choice) {
    for (std::uint8_t skip = 0; skip < 32; ++skip) {
      const Guard guard;
      const auto choices = pipewrench::fault_at(skip, choice);
      const Faults faults(choices, pipewrench::Realism::posix);
      const auto id = self();
      EXPECT_TRUE(!id || *id == me);
      const auto same = identify(me.pid);
      EXPECT_TRUE(!same || *same == me);
      const auto uid = effective_uid(me.pid);
      EXPECT_TRUE(!uid || *uid == ::geteuid());
      const bool esrch_was_played = !is_alive(me);
      played += faults.played().size();
      if (esrch_was_played) {
        ASSERT_FALSE(faults.played().empty());
        EXPECT_EQ(faults.played()[0].fault->error_number, ESRCH);
      }
    }
  }
  EXPECT_GT(played, 50u);
}

}  // namespace
}  // namespace ipc
