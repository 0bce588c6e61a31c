// Death at every store: a child does one operation, instruction by instruction, and is killed; then
// a survivor uses what it left. Segment bytes that are equal are one case for a survivor, so the
// child is killed after each change of them, and at a stride of the rest.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "targets/ipc/mailbox.h"
#include "targets/ipc/segment.h"
#include "targets/ipc/sysv_testing.h"

namespace ipc {
namespace {

using testing::dead;
using testing::me;
using testing::own_key;

constexpr std::size_t kCapacity = 24;
constexpr int kMostSteps = 200'000;
constexpr int kStrides = 12;
constexpr int kCannotTrace = 99;

// A child that stops before `prepare` has returned the operation's start, and is then stepped.
class Stepped {
 public:
  // `prepare` runs freely; what it returns is stepped.
  explicit Stepped(const std::function<std::function<void()>()>& prepare) {
    done_ = static_cast<volatile int*>(
        ::mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    child_ = ::fork();
    if (child_ == 0) {
      const auto operation = prepare();
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kCannotTrace);
      ::raise(SIGSTOP);
      operation();
      *done_ = 1;
      ::_exit(0);
    }
    wait();
  }
  ~Stepped() {
    kill();
    ::munmap(const_cast<int*>(done_), sizeof(int));
  }
  Stepped(const Stepped&) = delete;
  Stepped& operator=(const Stepped&) = delete;

  bool can_trace() const { return !(WIFEXITED(status_) && WEXITSTATUS(status_) == kCannotTrace); }
  bool is_done() const { return *done_ != 0 || !WIFSTOPPED(status_); }
  void step() {
    if (::ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr) == 0) wait();
  }
  void run_to_end() {
    ::ptrace(PTRACE_DETACH, child_, nullptr, nullptr);
    wait();
  }
  int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  // SIGKILL, and reaped: dead for everybody.
  void kill() {
    if (child_ < 0 || !WIFSTOPPED(status_)) return;
    ::kill(child_, SIGKILL);
    wait();
  }

 private:
  void wait() { ::waitpid(child_, &status_, 0); }

  pid_t child_ = -1;
  int status_ = 0;
  volatile int* done_ = nullptr;
};

std::vector<std::byte> copy_of(const Segment& segment) {
  return {segment.bytes().begin(), segment.bytes().end()};
}

// Where to kill: the steps after which the bytes had changed, and some others. Empty: cannot trace.
std::vector<int> places(Stepped& child, const Segment* watched, int strides = kStrides) {
  std::vector<int> all{0};
  if (!child.can_trace()) return {};
  auto before = watched != nullptr ? copy_of(*watched) : std::vector<std::byte>{};
  int step = 0;
  for (; !child.is_done() && step < kMostSteps; ++step) {
    child.step();
    if (watched == nullptr || std::ranges::equal(before, watched->bytes())) continue;
    before = copy_of(*watched);
    all.push_back(step + 1);
  }
  for (int i = 1; i < strides; ++i) all.push_back(step * i / strides);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

struct SteppingTest : ::testing::Test {
  const key_t key_ = own_key();  // also in children

  ~SteppingTest() override {
    if (const int id = ::shmget(key_, 0, 0); id >= 0) ::shmctl(id, IPC_RMID, nullptr);
  }

  Mailbox make(bool is_full) const {
    auto box = Mailbox::on(std::move(*Segment::create(key_, Mailbox::layout(kCapacity), me())));
    if (is_full) {
      EXPECT_TRUE(box->write(kOld, Deadline::now()));
    }
    return std::move(*box);
  }
  Mailbox open() const {
    auto segment = Segment::open(key_, Mailbox::layout(kCapacity), Segment::OnStale::fail, me(),
                                 Deadline::now());
    return std::move(*Mailbox::on(std::move(*segment)));
  }

  using Operation = std::function<void(Mailbox&)>;
  // Kills a child in `operation` at each place, then lets `survivor` judge what it left.
  void kill_everywhere(bool is_full, const Operation& operation, const Operation& survivor) {
    const auto prepare = [&] {
      auto own = std::make_shared<Mailbox>(open());
      return std::function<void()>([own, &operation] { operation(*own); });
    };
    std::vector<int> where;
    {
      const Mailbox box = make(is_full);
      Stepped child(prepare);
      where = places(child, &box.segment());
    }
    if (where.empty()) GTEST_SKIP() << "ptrace is not allowed here";
    EXPECT_GE(where.size(), std::size_t{kStrides});
    for (const int steps : where) {
      SCOPED_TRACE("killed after step " + std::to_string(steps));
      Mailbox box = make(is_full);
      Stepped child(prepare);
      for (int i = 0; i < steps && !child.is_done(); ++i) child.step();
      child.kill();
      survivor(box);
      if (HasFailure()) return;
      EXPECT_TRUE(box.write(kNew, Deadline::now()));
      EXPECT_EQ(box.read(Deadline::now())->message, kNew);
    }
  }

  const Message kOld{.type = 3, .payload = "old message"};
  const Message kSent{.type = 4, .payload = "message of the dead"};
  const Message kNew{.type = 5, .payload = "new"};
};

TEST_F(SteppingTest, a_writer_that_dies_sends_all_or_nothing) {
  int sent = 0, dropped = 0;
  kill_everywhere(
      false, [&](Mailbox& own) { static_cast<void>(own.write(kSent, Deadline::now())); },
      [&](Mailbox& box) {
        const auto received = box.read(Deadline::now());
        if (received) {
          EXPECT_EQ(received->message, kSent);
          ++sent;
        } else {
          EXPECT_EQ(received.error().kind, Kind::would_block) << received.error().describe();
          ++dropped;
        }
      });
  if (IsSkipped()) return;
  EXPECT_GT(sent, 0);
  EXPECT_GT(dropped, 3);
}

TEST_F(SteppingTest, a_writer_that_dies_never_blocks_the_next) {
  kill_everywhere(
      false, [&](Mailbox& own) { static_cast<void>(own.write(kSent, Deadline::now())); },
      [&](Mailbox& box) {
        const bool is_sent = !box.write(kNew, Deadline::now());
        EXPECT_EQ(box.read(Deadline::now())->message, is_sent ? kSent : kNew);
      });
}

TEST_F(SteppingTest, a_reader_that_dies_loses_the_message_loudly_or_leaves_it) {
  int left = 0, lost = 0, taken = 0;
  kill_everywhere(
      true, [](Mailbox& own) { static_cast<void>(own.read(Deadline::now())); },
      [&](Mailbox& box) {
        const auto received = box.read(Deadline::now());
        if (received) {
          EXPECT_EQ(received->message, kOld);
          ++left;
        } else if (received.error().kind == Kind::stale) {
          EXPECT_EQ(received.error().arguments[0].value, 1);
          ++lost;
        } else {
          EXPECT_EQ(received.error().kind, Kind::would_block) << received.error().describe();
          ++taken;
        }
        EXPECT_EQ(box.read(Deadline::now()).error().kind, Kind::would_block);
      });
  if (IsSkipped()) return;
  EXPECT_GT(left, 0);
  EXPECT_GT(lost, 0);
  EXPECT_GT(taken, 0);
}

TEST_F(SteppingTest, a_clearer_that_dies_clears_all_or_nothing) {
  kill_everywhere(
      true, [](Mailbox& own) { static_cast<void>(own.clear(1)); },
      [&](Mailbox& box) {
        const auto received = box.read(Deadline::now());
        if (received) {
          EXPECT_EQ(received->message, kOld);
        } else {
          EXPECT_EQ(received.error().kind, Kind::would_block) << received.error().describe();
        }
      });
}

TEST_F(SteppingTest, a_claim_taken_away_is_noticed) {
  for (const bool is_full : {false, true}) {
    Mailbox box = make(is_full);
    Stepped child([&] {
      auto own = std::make_shared<Mailbox>(open());
      return [own, this, is_full] {
        const Kind kind = is_full ? own->read(Deadline::now()).error().kind
                                  : own->write(kSent, Deadline::now()).error().kind;
        ::_exit(static_cast<int>(kind));
      };
    });
    if (!child.can_trace()) GTEST_SKIP() << "ptrace is not allowed here";
    const auto claimed = is_full ? Mailbox::Phase::reading : Mailbox::Phase::writing;
    for (int i = 0; i < kMostSteps && box.look().phase != claimed; ++i) child.step();
    *reinterpret_cast<std::uint64_t*>(box.segment().bytes().data()) = 0;
    child.run_to_end();
    EXPECT_EQ(child.exit_code(), static_cast<int>(Kind::corrupt));
  }
}

TEST_F(SteppingTest, a_creator_or_recreator_that_dies_leaves_what_can_be_recreated) {
  constexpr Segment::Layout kLayout{.size = 8, .version = 1};
  const ProcessId id = me();
  for (const bool has_old : {false, true}) {
    const auto set_up = [&] {
      if (const int old = ::shmget(key_, 0, 0); old >= 0) ::shmctl(old, IPC_RMID, nullptr);
      if (!has_old) return;
      auto left = Segment::create(key_, kLayout, dead());
      ASSERT_TRUE(left);
      left->bytes()[0] = std::byte{'x'};
    };
    const auto enter = [this, kLayout](ProcessId who) {
      return Segment::create_or_open(key_, kLayout, Segment::OnStale::recreate, who,
                                     Deadline::now());
    };
    const auto prepare = [&] {
      const ProcessId who = me();
      return [&, who] {
        auto held = enter(who);
        if (held) held->keep();
      };
    };
    set_up();
    std::vector<int> where;
    {
      Stepped child(prepare);
      where = places(child, nullptr, 3 * kStrides);
    }
    if (where.empty()) GTEST_SKIP() << "ptrace is not allowed here";
    for (const int steps : where) {
      set_up();
      Stepped child(prepare);
      for (int i = 0; i < steps && !child.is_done(); ++i) child.step();
      child.kill();
      const auto survivor = enter(id);
      ASSERT_TRUE(survivor) << survivor.error().describe();
      EXPECT_EQ(survivor->bytes()[0], std::byte{0});
    }
  }
}

}  // namespace
}  // namespace ipc
