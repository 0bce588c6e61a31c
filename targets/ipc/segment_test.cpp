// SPDX-License-Identifier: MIT
#include "targets/ipc/segment.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include <chrono>
#include <cstring>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/shared_word.h"
#include "targets/ipc/sysv_owner.h"
#include "targets/ipc/sysv_testing.h"

namespace ipc {
namespace {

using testing::dead;
using testing::in_child;
using testing::me;
using testing::own_key;
using namespace std::chrono_literals;
using OnStale = Segment::OnStale;

constexpr Segment::Layout kLayout{.size = 100, .version = 7};

// The header as it lies in the segment.
struct Raw {
  std::uint64_t creator, size, version, magic, state;
};
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kTotal = kHeaderBytes + kLayout.size;

Raw& raw(const Segment& segment) {
  return *reinterpret_cast<Raw*>(segment.bytes().data() - kHeaderBytes);
}

struct SegmentTest : ::testing::Test {
  const key_t key_ = own_key();  // also in children

  int kernel_id() const { return ::shmget(key_, 0, 0); }
  ~SegmentTest() override {
    if (const int id = kernel_id(); id >= 0) ::shmctl(id, IPC_RMID, nullptr);
  }
  Result<Segment> create(ProcessId who = me()) { return Segment::create(key_, kLayout, who); }
  Result<Segment> open(OnStale stale = OnStale::fail, Deadline deadline = Deadline::now(),
                       Segment::Layout layout = kLayout) {
    return Segment::open(key_, layout, stale, me(), deadline);
  }
  // A dead run's segment with 'x' in it, nobody attached.
  void leave_stale() {
    auto left = create(dead());
    ASSERT_TRUE(left);
    left->bytes()[0] = std::byte{'x'};
  }
  // A creator that ended between shmget() and its first store.
  void leave_untouched(std::size_t size = kTotal) {
    ASSERT_TRUE(
        in_child([size, this] { return ::shmget(key_, size, IPC_CREAT | IPC_EXCL | 0600) >= 0; }));
  }
};

Kind kind_of_failure(const Result<Segment>& result) {
  return result ? Kind::system : result.error().kind;
}

TEST_F(SegmentTest, creates_zeros_of_mode_0600_and_opens_them) {
  auto made = create();
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_TRUE(made->is_owner());
  EXPECT_EQ(made->bytes().size(), kLayout.size);
  for (const std::byte byte : made->bytes()) EXPECT_EQ(byte, std::byte{0});
  shmid_ds status{};
  ASSERT_EQ(::shmctl(made->id(), IPC_STAT, &status), 0);
  EXPECT_EQ(status.shm_perm.mode & 0777, 0600u);
  auto opened = open();
  ASSERT_TRUE(opened) << opened.error().describe();
  EXPECT_FALSE(opened->is_owner());
  EXPECT_EQ(opened->id(), made->id());
  EXPECT_EQ(opened->me(), me());
  made->bytes()[99] = std::byte{'y'};
  EXPECT_EQ(opened->bytes()[99], std::byte{'y'});
}

TEST_F(SegmentTest, refuses_what_no_segment_has) {
  EXPECT_EQ(kind_of_failure(Segment::create(key_, {.size = 0, .version = 1}, me())),
            Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(Segment::create(key_, {Segment::kMostBytes + 1, 1}, me())),
            Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(create(ProcessId{})), Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(create({.pid = 1 << 22, .start_ticks = 1})), Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(Segment::open(key_, kLayout, OnStale::fail, {}, Deadline::now())),
            Kind::bad_argument);
  EXPECT_EQ(
      kind_of_failure(Segment::open(IPC_PRIVATE, kLayout, OnStale::fail, me(), Deadline::now())),
      Kind::bad_argument);
  EXPECT_EQ(kind_of_failure(open()), Kind::not_found);
  EXPECT_LT(kernel_id(), 0);
}

TEST_F(SegmentTest, create_is_exclusive) {
  auto made = create();
  ASSERT_TRUE(made);
  EXPECT_EQ(kind_of_failure(create()), Kind::exists);
  auto joined = Segment::create_or_open(key_, kLayout, OnStale::recreate, me(), Deadline::now());
  ASSERT_TRUE(joined);
  EXPECT_FALSE(joined->is_owner());
}

TEST_F(SegmentTest, create_or_open_creates) {
  auto made = Segment::create_or_open(key_, kLayout, OnStale::fail, me(), Deadline::now());
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->is_owner());
}

TEST_F(SegmentTest, only_the_creator_removes) {
  {
    auto made = create();
    ASSERT_TRUE(made);
    const int id = made->id();
    {
      auto opened = open();
    }
    EXPECT_EQ(kernel_id(), id);
    auto* inherited = &*made;
    EXPECT_TRUE(in_child([inherited] { return inherited->~Segment(), true; }));
    EXPECT_EQ(kernel_id(), id);
    Segment moved = std::move(*made);
    Segment* const same = &moved;
    moved = std::move(*same);
  }
  EXPECT_LT(kernel_id(), 0);
  {
    auto made = create();
    ASSERT_TRUE(made);
    made->keep();
  }
  EXPECT_GE(kernel_id(), 0);
  auto opened = open(OnStale::reuse);
  ASSERT_TRUE(opened);
  *opened = std::move(*Segment::create(IPC_PRIVATE, kLayout, me()));
  EXPECT_GE(kernel_id(), 0);
}

TEST_F(SegmentTest, removal_is_seen_by_the_attached) {
  auto made = create();
  auto opened = open();
  ASSERT_TRUE(made && opened);
  EXPECT_TRUE(opened->check());
  EXPECT_TRUE(opened->remove());
  EXPECT_EQ(made->check().error().kind, Kind::removed);
  EXPECT_EQ(made->check().error().number, 0);
  // Split brain: the key gives another segment now.
  auto second = create();
  ASSERT_TRUE(second);
  EXPECT_NE(second->id(), made->id());
  EXPECT_TRUE(second->check());
}

TEST_F(SegmentTest, a_removed_id_says_removed) {
  auto opened = create();
  ASSERT_TRUE(opened);
  const int id = opened->id();
  ASSERT_TRUE(in_child([id] { return ::shmctl(id, IPC_RMID, nullptr) == 0; }));
  // The last detach ends it.
  Raw* const address = &raw(*opened);
  ASSERT_EQ(::shmdt(address), 0);
  EXPECT_EQ(opened->check().error().kind, Kind::removed);
  EXPECT_EQ(opened->check().error().number, EINVAL);
  void* const page = ::mmap(address, 4096, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  ASSERT_EQ(page, address);  // remove() must find a header to write to
  EXPECT_EQ(opened->remove().error().kind, Kind::removed);
  ::munmap(page, 4096);
}

TEST_F(SegmentTest, another_size_or_version_is_stale) {
  auto made = create();
  ASSERT_TRUE(made);
  EXPECT_EQ(kind_of_failure(open(OnStale::reuse, Deadline::now(), {.size = 99, .version = 7})),
            Kind::stale);
  EXPECT_EQ(kind_of_failure(open(OnStale::reuse, Deadline::now(), {.size = 101, .version = 7})),
            Kind::stale);
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate, Deadline::now(), {.size = 100, .version = 8})),
            Kind::stale);
}

TEST_F(SegmentTest, the_header_is_not_trusted) {
  auto made = create();
  ASSERT_TRUE(made);
  raw(*made).size = 1 << 20;
  EXPECT_EQ(kind_of_failure(open(OnStale::fail, Deadline::now(), {.size = 1 << 20, .version = 7})),
            Kind::stale);
  EXPECT_EQ(kind_of_failure(open()), Kind::stale);
  raw(*made).size = 100;
  raw(*made).state = 77;
  EXPECT_EQ(kind_of_failure(open()), Kind::corrupt);
  raw(*made).state = 1;
  raw(*made).magic ^= 1;
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate)), Kind::corrupt);
}

TEST_F(SegmentTest, a_foreign_segment_is_corrupt_and_stays) {
  leave_untouched(8);
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate)), Kind::corrupt);
  ASSERT_EQ(::shmctl(kernel_id(), IPC_RMID, nullptr), 0);
  leave_untouched(5000);
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate)), Kind::corrupt);
  EXPECT_GE(kernel_id(), 0);
}

TEST_F(SegmentTest, others_must_not_be_able_to_write) {
  const int id = ::shmget(key_, kTotal, IPC_CREAT | IPC_EXCL | 0622);
  ASSERT_GE(id, 0);
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate)), Kind::permission);
  ipc_perm foreign{};
  foreign.uid = ::geteuid() + 1;
  foreign.mode = 0600;
  EXPECT_EQ(only_ours(foreign, "test", 1).error().kind, Kind::permission);
}

TEST_F(SegmentTest, a_creator_that_died_before_ready_is_recognised) {
  leave_untouched();
  EXPECT_EQ(kind_of_failure(open(OnStale::fail)), Kind::stale);
  EXPECT_EQ(kind_of_failure(open(OnStale::reuse)), Kind::stale);
  auto made = open(OnStale::recreate);
  ASSERT_TRUE(made) << made.error().describe();
  EXPECT_TRUE(made->is_owner());
  // The same with its name in the header, as after a death in recreate().
  raw(*made).state = 0;
  raw(*made).creator = pack(dead());
  EXPECT_EQ(kind_of_failure(open(OnStale::fail)), Kind::stale);
  auto again = open(OnStale::recreate);
  ASSERT_TRUE(again);
  EXPECT_NE(again->id(), made->id());
}

TEST_F(SegmentTest, waits_for_a_living_creator) {
  auto made = create();
  ASSERT_TRUE(made);
  raw(*made).state = 0;
  EXPECT_EQ(kind_of_failure(open()), Kind::would_block);
  raw(*made).creator = 0;  // known to the kernel only
  {
    pipewrench::VirtualTime time;
    EXPECT_EQ(kind_of_failure(open(OnStale::recreate, Deadline::after(450ms))), Kind::timed_out);
    EXPECT_EQ(pipewrench::VirtualTime::elapsed_ns(), 450'000'000);
  }
  raw(*made).creator = pack(me());
  // The creator is the parent here: it makes it ready once the child is attached.
  const pid_t child = ::fork();
  if (child == 0) ::_exit(open(OnStale::fail, Deadline::never()) ? 0 : 1);
  shmid_ds status{};
  do ASSERT_EQ(::shmctl(made->id(), IPC_STAT, &status), 0);
  while (status.shm_nattch < 3 && ::waitpid(child, nullptr, WNOHANG) == 0);
  SharedWord(raw(*made).state).store(1);
  wake_all(raw(*made).state);
  int ended = -1;
  ASSERT_EQ(::waitpid(child, &ended, 0), child);
  EXPECT_EQ(ended, 0);
}

TEST_F(SegmentTest, gives_up_on_a_segment_that_is_always_going) {
  auto made = create();
  ASSERT_TRUE(made);
  raw(*made).state = 2;
  EXPECT_EQ(kind_of_failure(open()), Kind::would_block);
}

TEST_F(SegmentTest, stale_fails) {
  leave_stale();
  EXPECT_EQ(kind_of_failure(open(OnStale::fail)), Kind::stale);
  EXPECT_GE(kernel_id(), 0);
}

TEST_F(SegmentTest, stale_is_reused_with_its_bytes) {
  leave_stale();
  auto reused = open(OnStale::reuse);
  ASSERT_TRUE(reused);
  EXPECT_TRUE(reused->is_owner());
  EXPECT_EQ(reused->bytes()[0], std::byte{'x'});
  auto second = open(OnStale::recreate);  // it is in use now
  ASSERT_TRUE(second);
  EXPECT_EQ(second->id(), reused->id());
}

TEST_F(SegmentTest, stale_of_another_version_is_not_reused) {
  leave_stale();
  const Segment::Layout next{.size = 100, .version = 8};
  EXPECT_EQ(kind_of_failure(open(OnStale::reuse, Deadline::now(), next)), Kind::stale);
  EXPECT_TRUE(open(OnStale::recreate, Deadline::now(), next));
}

TEST_F(SegmentTest, stale_is_recreated_empty) {
  leave_stale();
  const int old = kernel_id();
  auto made = open(OnStale::recreate);
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->is_owner());
  EXPECT_NE(made->id(), old);
  EXPECT_EQ(made->bytes()[0], std::byte{0});
}

TEST_F(SegmentTest, survivors_of_a_dead_creator_keep_it) {
  auto survivor = create(dead());
  ASSERT_TRUE(survivor);
  pipewrench::VirtualTime time;
  auto joined = open(OnStale::recreate, Deadline::after(1s));
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->id(), survivor->id());
  EXPECT_TRUE(joined->is_owner());  // somebody has to remove it
  EXPECT_EQ(pipewrench::VirtualTime::elapsed_ns(), kTrustInPeers_ms * 1'000'000);
  raw(*joined).creator = pack(dead());
  raw(*joined).version = 8;
  EXPECT_EQ(kind_of_failure(open(OnStale::recreate)), Kind::stale);
}

TEST_F(SegmentTest, every_fault_at_every_call_is_an_error_or_nothing) {
  const ProcessId id = me(), gone = dead();
  const key_t key = key_;
  for (const OnStale stale : {OnStale::fail, OnStale::reuse, OnStale::recreate})
    for (const bool has_old : {false, true})
      for (std::uint8_t choice = 1; choice <= 6; ++choice)
        for (std::uint8_t skip = 0;; ++skip) {
          ASSERT_LT(skip, 60);
          if (has_old) {
            ASSERT_TRUE(create(gone));
          }
          bool is_played = false;
          {
            const pipewrench::Guard guard;
            const pipewrench::VirtualTime time;
            const auto choices = pipewrench::fault_at(skip, choice);
            const pipewrench::Faults faults(choices);
            auto made = Segment::create_or_open(key, kLayout, stale, id, Deadline::after(1s));
            if (made) static_cast<void>(made->check());
            is_played = skip < faults.calls();
          }
          if (const int left = kernel_id(); left >= 0) ::shmctl(left, IPC_RMID, nullptr);
          if (!is_played) break;
        }
}

TEST_F(SegmentTest, gives_up_when_others_are_always_faster) {
  // The fifth fault of shmget's row is ENOENT, the fourth EEXIST.
  std::array<std::uint8_t, 64> choices{};
  for (std::size_t i = 0; i < choices.size(); i += 2) {
    choices[i] = 5;
    choices[i + 1] = 4;
  }
  const key_t key = key_;
  const auto given_up = [&] {
    const pipewrench::Faults faults(choices);
    return Segment::create_or_open(key, kLayout, OnStale::fail, {.pid = 1, .start_ticks = 1},
                                   Deadline::now());
  }();
  EXPECT_EQ(kind_of_failure(given_up), Kind::would_block);
}

TEST(SharedWord, says_when_the_kernel_refuses_to_wait) {
  void* const page = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  const auto waited = wait_on(*static_cast<std::uint64_t*>(page), 0, Deadline::never());
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().number, EFAULT);
  ::munmap(page, 4096);
}

}  // namespace
}  // namespace ipc
