// The model against the kernel, over the rows of the errno checklist that the model covers: each
// call goes to both, and both must give the same errno, the same segment and the same status.
// SPDX-License-Identifier: MIT
#include "targets/model/segment.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <random>
#include <vector>

namespace model {
namespace {

class Both : public ::testing::Test {
 protected:
  ~Both() override {
    ::shmctl(probe_, IPC_RMID, nullptr);
    for (const Attached& attached : attached_) ::shmdt(attached.address);
    for (const auto& [ours, kernels] : ids_) ::shmctl(kernels, IPC_RMID, nullptr);
  }

  // The model's id, or minus the errno.
  int get(key_t key, std::size_t size, int flags) {
    const int id = ::shmget(key, size, flags | 0600);
    const int error = id < 0 ? errno : 0;
    const Outcome expected = model_.get(key, size, flags);
    EXPECT_EQ(error, expected.error) << "shmget";
    if (id < 0 || expected.error != 0) return -expected.error;
    const int ours = static_cast<int>(expected.result);
    const auto known = ids_.emplace(ours, id).first;
    EXPECT_EQ(known->second, id) << "another segment than the model's";
    compare(ours);
    return ours;
  }
  int attach(int ours, std::size_t offset = 0, int flags = 0) {
    // An address that is free: where the kernel itself would attach.
    char* const base = static_cast<char*>(::shmat(probe_, nullptr, 0));
    ::shmdt(base);
    void* const address = ::shmat(ids_.at(ours), offset == 0 ? nullptr : base + offset, flags);
    const int error = address == reinterpret_cast<void*>(-1) ? errno : 0;
    EXPECT_EQ(model_.attach(ours, offset, flags).error, error) << "shmat";
    if (error == 0) attached_.push_back({ours, address});
    compare(ours);
    return error;
  }
  void detach_last() {
    const auto [ours, address] = attached_.back();
    attached_.pop_back();
    EXPECT_EQ(::shmdt(address), 0);
    EXPECT_EQ(model_.detach(ours).error, 0);
    compare(ours);
  }
  int remove(int ours) {
    const int error = ::shmctl(ids_.at(ours), IPC_RMID, nullptr) < 0 ? errno : 0;
    EXPECT_EQ(model_.remove(ours).error, error) << "IPC_RMID";
    compare(ours);
    return error;
  }
  void compare(int ours) {
    shmid_ds status{};
    const bool exists = ::shmctl(ids_.at(ours), IPC_STAT, &status) == 0;
    const Segments::Segment* const expected = model_.find(ours);
    ASSERT_EQ(exists, expected != nullptr);
    if (!exists) return;
    EXPECT_EQ(status.shm_segsz, expected->bytes.size());
    EXPECT_EQ(status.shm_nattch, expected->attached);
    EXPECT_EQ((status.shm_perm.mode & SHM_DEST) != 0, expected->is_marked);
  }
  struct Attached {
    int ours;
    void* address;
  };
  const int probe_ = ::shmget(IPC_PRIVATE, 1, 0600);
  const key_t key_ = 0x51000000 | ::getpid();
  Segments model_;
  std::map<int, int> ids_;
  std::vector<Attached> attached_;
};

TEST_F(Both, shmget_key_absent_without_IPC_CREAT) { EXPECT_EQ(get(key_, 10, 0), -ENOENT); }

TEST_F(Both, shmget_exists_excl_bigger_smaller_zero) {
  const int id = get(key_, 100, IPC_CREAT);
  EXPECT_EQ(get(key_, 100, IPC_CREAT | IPC_EXCL), -EEXIST);
  EXPECT_EQ(get(key_, 101, 0), -EINVAL);
  EXPECT_EQ(get(key_, 101, IPC_CREAT), -EINVAL);
  EXPECT_EQ(get(key_, 99, 0), id);
  EXPECT_EQ(get(key_, 0, IPC_CREAT), id);
  EXPECT_EQ(get(key_, 100, IPC_EXCL), id);
}

TEST_F(Both, shmget_create_with_size_0_or_above_shmmax) {
  EXPECT_EQ(get(key_, 0, IPC_CREAT), -EINVAL);
  EXPECT_EQ(get(IPC_PRIVATE, 0, 0), -EINVAL);
  EXPECT_EQ(get(key_, static_cast<std::size_t>(-1), IPC_CREAT), -EINVAL);
}

TEST_F(Both, shmget_private_is_always_new) {
  const int first = get(IPC_PRIVATE, 5, 0);
  EXPECT_NE(get(IPC_PRIVATE, 5, IPC_CREAT | IPC_EXCL), first);
}

TEST_F(Both, shmget_new_segment_is_zero_filled_and_as_long_as_asked) {
  const int id = get(key_, 5001, IPC_CREAT);
  ASSERT_EQ(attach(id), 0);
  EXPECT_EQ(std::string(static_cast<char*>(attached_[0].address), 5001), model_.find(id)->bytes);
}

TEST_F(Both, shmat_bad_or_removed_id) {
  const int id = get(key_, 5, IPC_CREAT);
  EXPECT_EQ(remove(id), 0);
  EXPECT_EQ(attach(id), EINVAL);
}

TEST_F(Both, shmat_unaligned_address_without_SHM_RND) {
  const int id = get(key_, 5, IPC_CREAT);
  EXPECT_EQ(attach(id, 8), EINVAL);
  EXPECT_EQ(attach(id, 8, SHM_RND), 0);
}

TEST_F(Both, shmat_marked_for_removal_but_still_attached) {
  const int id = get(key_, 5, IPC_CREAT);
  attach(id);
  EXPECT_EQ(remove(id), 0);
  EXPECT_EQ(attach(id), 0);
  detach_last();
  detach_last();
  EXPECT_EQ(attach(id), EINVAL);
  EXPECT_EQ(remove(id), EINVAL);
}

TEST_F(Both, shmctl_IPC_RMID_frees_the_key_at_once) {
  const int id = get(key_, 5, IPC_CREAT);
  attach(id);
  EXPECT_EQ(remove(id), 0);
  EXPECT_EQ(remove(id), 0);
  EXPECT_EQ(get(key_, 5, 0), -ENOENT);
  EXPECT_NE(get(key_, 5, IPC_CREAT | IPC_EXCL), id);
}

TEST_F(Both, shmdt_address_not_attached) {
  char aligned[1] = {};
  EXPECT_EQ(::shmdt(aligned), -1);
  EXPECT_EQ(errno, EINVAL);
  const int id = get(key_, 5, IPC_CREAT);
  EXPECT_EQ(model_.detach(id).error, EINVAL);
  EXPECT_EQ(model_.detach(77).error, EINVAL);
}

// The child inherits the attachment; SIGKILL detaches and leaves the segment.
TEST_F(Both, fork_attaches_once_more_and_SIGKILL_detaches) {
  const int id = get(key_, 5, IPC_CREAT);
  attach(id);
  const pid_t child = ::fork();
  if (child == 0)
    for (;;) ::pause();
  model_.attach(id);
  compare(id);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  model_.detach(id);
  compare(id);
}

TEST_F(Both, random_calls) {
  std::mt19937 random(1);
  const auto pick = [&](unsigned count) { return static_cast<int>(random() % count); };
  for (int step = 0; step < 2000; ++step) {
    SCOPED_TRACE(step);
    const int kind = pick(6);
    if (kind < 2 || ids_.empty()) {
      const int flags = (pick(2) != 0 ? IPC_CREAT : 0) | (pick(3) == 0 ? IPC_EXCL : 0);
      get(pick(5) == 0 ? IPC_PRIVATE : key_, random() % 4 * 10, flags);
    } else if (kind == 2 && !attached_.empty()) {
      detach_last();
    } else {
      const int id = std::next(ids_.begin(), pick(static_cast<unsigned>(ids_.size())))->first;
      if (kind == 3 && pick(3) == 0)
        remove(id);
      else
        attach(id);
    }
    if (HasFailure()) return;
  }
}

TEST(Segments, shmget_number_of_segments) {
  // Own limits need an own namespace, and that a process without threads.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWIPC) != 0) ::_exit(2);
    std::ofstream limit("/proc/sys/kernel/shmmni");
    if (!(limit << 3 << std::flush)) ::_exit(2);
    Segments model({.shmmni = 3});
    for (int i = 0; i < 5; ++i) {
      const int error = ::shmget(IPC_PRIVATE, 8, 0600) < 0 ? errno : 0;
      if (error != model.get(IPC_PRIVATE, 8, 0).error || (error != 0) != (i >= 3)) ::_exit(1);
    }
    ::_exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "no IPC namespace, or its limits cannot be set";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace model
