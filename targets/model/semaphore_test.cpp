// The model against the kernel, over the rows of the errno checklist that the model covers: each
// call goes to both, and both must give the same errno and the same values.
// SPDX-License-Identifier: MIT
#include "targets/model/semaphore.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <random>
#include <vector>

namespace model {
namespace {

constexpr int kMembers = 3;

class Both : public ::testing::Test {
 protected:
  ~Both() override { ::semctl(id_, 0, IPC_RMID); }

  int operate(std::vector<sembuf> steps) {
    for (sembuf& step : steps) step.sem_flg = static_cast<short>(step.sem_flg | IPC_NOWAIT);
    const int error = ::semop(id_, steps.data(), steps.size()) < 0 ? errno : 0;
    EXPECT_EQ(model_.operate(::getpid(), steps).error, error) << "semop";
    compare();
    return error;
  }
  // By a child that then ends, by its own hand or by SIGKILL.
  int operate_and_die(std::vector<sembuf> steps, bool is_killed) {
    const pid_t child = ::fork();
    if (child == 0) {
      const int error = ::semop(id_, steps.data(), steps.size()) < 0 ? errno : 0;
      if (is_killed) ::kill(::getpid(), SIGKILL);
      ::_exit(error);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    const int error = model_.operate(child, steps).error;
    model_.end(child);
    compare();
    return error;
  }
  int set(int member, int value) {
    const int error = ::semctl(id_, member, SETVAL, value) < 0 ? errno : 0;
    EXPECT_EQ(model_.set_value(::getpid(), member, value).error, error) << "SETVAL";
    compare();
    return error;
  }
  void compare() {
    for (int i = 0; i < kMembers + 1; ++i) {
      const int value = ::semctl(id_, i, GETVAL);
      EXPECT_EQ((Outcome{value, value < 0 ? errno : 0}), model_.value(i)) << "GETVAL " << i;
      const int last = ::semctl(id_, i, GETPID);
      EXPECT_EQ((Outcome{last, last < 0 ? errno : 0}), model_.last(i)) << "GETPID " << i;
    }
  }

  const int id_ = ::semget(IPC_PRIVATE, kMembers, 0600);
  SemaphoreSet model_{kMembers};
};

TEST_F(Both, semget_fresh_set_is_zero) { compare(); }

TEST_F(Both, semop_would_block_with_IPC_NOWAIT) {
  EXPECT_EQ(operate({{0, -1, 0}}), EAGAIN);
  EXPECT_EQ(operate({{0, 1, 0}}), 0);
  EXPECT_EQ(operate({{0, 0, 0}}), EAGAIN);
}

TEST_F(Both, semop_sem_num_out_of_range) { EXPECT_EQ(operate({{kMembers, 1, 0}}), EFBIG); }

TEST_F(Both, semop_value_would_pass_SEMVMX) {
  EXPECT_EQ(operate({{0, 32767, 0}}), 0);
  EXPECT_EQ(operate({{0, 1, 0}}), ERANGE);
}

TEST_F(Both, semop_undo_would_pass_SEMAEM) {
  EXPECT_EQ(operate({{0, 32767, SEM_UNDO}}), 0);
  EXPECT_EQ(operate({{0, -32767, 0}}), 0);
  EXPECT_EQ(operate({{0, 1, SEM_UNDO}}), 0);
  EXPECT_EQ(operate({{0, 1, SEM_UNDO}}), ERANGE);
}

TEST_F(Both, semop_nsops_above_SEMOPM) {
  EXPECT_EQ(operate(std::vector<sembuf>(501, sembuf{0, 0, 0})), E2BIG);
  EXPECT_EQ(operate(std::vector<sembuf>(500, sembuf{0, 0, 0})), 0);
}

TEST_F(Both, semop_nsops_0_or_bad_id) {
  EXPECT_EQ(operate({}), EINVAL);
  ::semctl(id_, 0, IPC_RMID);
  EXPECT_EQ(model_.remove().error, 0);
  EXPECT_EQ(model_.remove().error, EINVAL);
  EXPECT_EQ(operate({{0, 1, 0}}), EINVAL);
}

TEST_F(Both, semop_array_of_which_one_cannot_proceed_applies_none) {
  EXPECT_EQ(operate({{0, 1, SEM_UNDO}, {1, 1, 0}, {2, -1, 0}}), EAGAIN);
  EXPECT_EQ(operate({{0, 1, 0}, {0, -1, 0}, {0, 0, 0}}), 0);
}

TEST_F(Both, semop_SEM_UNDO_holder_killed) {
  EXPECT_EQ(operate_and_die({{0, 0, 0}, {0, 1, SEM_UNDO}}, true), 0);
  EXPECT_EQ(model_.value(0).result, 0);
}

TEST_F(Both, semop_without_SEM_UNDO_holder_killed) {
  EXPECT_EQ(operate_and_die({{0, 0, 0}, {0, 1, 0}}, true), 0);
  EXPECT_EQ(model_.value(0).result, 1);
}

TEST_F(Both, SEM_UNDO_would_go_below_0_is_clamped) {
  // The child takes what the undo of its own +2 would need.
  EXPECT_EQ(operate_and_die({{0, 2, SEM_UNDO}, {0, -1, 0}}, false), 0);
  EXPECT_EQ(model_.value(0).result, 0);
}

TEST_F(Both, semctl_SETVAL_out_of_range_or_bad_member) {
  EXPECT_EQ(set(0, 32768), ERANGE);
  EXPECT_EQ(set(0, -1), ERANGE);
  EXPECT_EQ(set(kMembers, 1), EINVAL);
  EXPECT_EQ(set(0, 32767), 0);
}

TEST_F(Both, semctl_SETVAL_forgets_the_undo) {
  const pid_t child = ::fork();
  if (child == 0) {
    sembuf step{0, 1, SEM_UNDO};
    ::semop(id_, &step, 1);
    ::semctl(id_, 0, SETVAL, 5);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  const sembuf step{0, 1, SEM_UNDO};
  model_.operate(child, std::span(&step, 1));
  model_.set_value(child, 0, 5);
  model_.end(child);
  EXPECT_EQ(::semctl(id_, 0, GETVAL), model_.value(0).result);
}

TEST_F(Both, random_calls) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    std::vector<sembuf> steps(random() % 4);
    for (sembuf& step : steps)
      step = {static_cast<unsigned short>(random() % (kMembers + (random() % 20 == 0))),
              static_cast<short>(static_cast<int>(random() % 5) - 2),
              static_cast<short>(random() % 2 != 0 ? SEM_UNDO : 0)};
    operate(steps);
  }
}

}  // namespace
}  // namespace model
