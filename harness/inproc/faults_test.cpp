// SPDX-License-Identifier: MIT
#include "harness/inproc/faults.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <vector>

namespace pipewrench {
namespace {

constexpr std::size_t kChoices = 255;  // every byte but 0, which plays nothing

// The errnos that one call fails with over all choices of its byte; the call must have no effect of
// its own.
template <class Attempt>
std::vector<int> errnos_of(Realism level, Attempt attempt) {
  std::vector<int> errnos;
  for (std::size_t choice = 1; choice <= kChoices; ++choice) {
    const auto choices = fault_at(0, static_cast<std::uint8_t>(choice));
    Faults faults(choices, level);
    errno = 0;
    attempt();
    if (!faults.played().empty() && faults.played()[0].fault->effect == Effect::fail)
      errnos.push_back(errno);
  }
  std::ranges::sort(errnos);
  const auto rest = std::ranges::unique(errnos);
  errnos.erase(rest.begin(), rest.end());
  return errnos;
}

struct Pipe {
  int fds[2];
  explicit Pipe(int flags = 0) { EXPECT_EQ(::pipe2(fds, O_CLOEXEC | flags), 0); }
  ~Pipe() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
};

TEST(faults, zero_plays_the_real_call) {
  const Pipe pipe;
  const std::uint8_t choices[] = {0, 0};
  Faults faults(choices);
  char byte = 'x';
  EXPECT_EQ(::write(pipe.fds[1], "a", 1), 1);
  EXPECT_EQ(::read(pipe.fds[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'a');
  EXPECT_EQ(faults.calls(), 2u);
  EXPECT_TRUE(faults.played().empty());
}

TEST(faults, each_call_takes_the_next_byte_and_exhaustion_is_the_real_call) {
  const Pipe pipe;
  const std::uint8_t choices[] = {0, 1};
  Faults faults(choices, Realism::posix);
  char byte = 'x';
  EXPECT_EQ(::write(pipe.fds[1], "a", 1), 1);
  EXPECT_EQ(::read(pipe.fds[0], &byte, 1), -1);
  EXPECT_EQ(errno, EIO);
  EXPECT_EQ(::read(pipe.fds[0], &byte, 1), 1);
  EXPECT_EQ(faults.calls(), 3u);
  ASSERT_EQ(faults.played().size(), 1u);
  EXPECT_EQ(faults.played()[0].call, Call::read);
  EXPECT_EQ(faults.played()[0].fault->error_number, EIO);
}

TEST(faults, without_an_object_nothing_is_played) {
  const Pipe pipe;
  EXPECT_EQ(::write(pipe.fds[1], "a", 1), 1);
  EXPECT_EQ(next_fault(Call::read), nullptr);
}

TEST(faults, levels_add_faults) {
  const Pipe pipe;
  const auto attempt = [&] { ::close(::dup(pipe.fds[0])); };
  EXPECT_EQ(errnos_of(Realism::linux_, attempt), (std::vector<int>{}));
  EXPECT_EQ(errnos_of(Realism::posix, attempt), (std::vector<int>{EINTR, EIO}));
}

TEST(faults, eintr_needs_a_call_that_may_sleep_and_eagain_one_that_may_not) {
  const Pipe blocking;
  const Pipe nonblocking(O_NONBLOCK);
  char byte = 0;
  const auto of_read = [&](const Pipe& pipe) {
    return errnos_of(Realism::linux_, [&] { std::ignore = ::read(pipe.fds[0], &byte, 0); });
  };
  EXPECT_EQ(of_read(blocking), (std::vector<int>{EINTR}));
  EXPECT_EQ(of_read(nonblocking), (std::vector<int>{EAGAIN}));
}

// Also from calls that do not wait: they look for a pending signal where they find nothing.
TEST(faults, eintr_of_poll_and_tee_needs_nothing_to_be_there) {
  const Pipe pipe, other;
  pollfd entry{.fd = pipe.fds[0], .events = POLLIN, .revents = 0};
  const timespec none{};
  const auto polls = [&] { ::poll(&entry, 1, 0); };
  const auto ppolls = [&] { ::ppoll(&entry, 1, &none, nullptr); };
  const auto tees = [&] { ::tee(pipe.fds[0], other.fds[1], 1, SPLICE_F_NONBLOCK); };
  const std::vector<int> all{EINTR, ENOMEM}, without{ENOMEM};
  EXPECT_EQ(errnos_of(Realism::linux_, polls), all);
  EXPECT_EQ(errnos_of(Realism::linux_, ppolls), all);
  EXPECT_EQ(errnos_of(Realism::linux_, tees), all);
  EXPECT_EQ(::write(pipe.fds[1], "a", 1), 1);
  EXPECT_EQ(errnos_of(Realism::linux_, polls), without);
  EXPECT_EQ(errnos_of(Realism::linux_, ppolls), without);
  EXPECT_EQ(errnos_of(Realism::linux_, tees), without);
}

TEST(faults, hostile_plays_also_what_the_kernel_could_not) {
  pollfd entry{.fd = -1, .events = POLLIN, .revents = 0};
  EXPECT_EQ(errnos_of(Realism::hostile, [&] { ::poll(&entry, 1, 0); }),
            (std::vector<int>{EINTR, ENOMEM, EFAULT, EINVAL}));
}

TEST(faults, get_calls_fail_only_as_their_flags_allow) {
  const key_t key = 0x70770001;
  const auto of_get = [&](key_t wanted, int flags) {
    return errnos_of(Realism::linux_, [&] {
      if (const int id = ::msgget(wanted, flags); id >= 0) ::msgctl(id, IPC_RMID, nullptr);
    });
  };
  EXPECT_EQ(of_get(key, 0600), (std::vector<int>{ENOENT, EACCES}));
  EXPECT_EQ(of_get(key, IPC_CREAT | 0600), (std::vector<int>{EACCES, ENOSPC}));
  EXPECT_EQ(of_get(key, IPC_CREAT | IPC_EXCL | 0600), (std::vector<int>{EEXIST, ENOSPC}));
  EXPECT_EQ(of_get(IPC_PRIVATE, 0600), (std::vector<int>{ENOSPC}));
  EXPECT_EQ(errnos_of(Realism::linux_,
                      [] {
                        const int id = ::shmget(IPC_PRIVATE, 1, 0600);
                        if (id >= 0) ::shmctl(id, IPC_RMID, nullptr);
                      }),
            (std::vector<int>{ENOMEM, ENOSPC}));
}

TEST(faults, semop_runs_out_of_undo_space_only_with_undo) {
  sembuf operation{.sem_num = 0, .sem_op = 1, .sem_flg = IPC_NOWAIT};
  const auto of_semop = [&] {
    return errnos_of(Realism::linux_, [&] { ::semop(-1, &operation, 1); });
  };
  EXPECT_EQ(of_semop(), (std::vector<int>{EAGAIN, EINVAL, EIDRM}));
  operation.sem_flg = SEM_UNDO;
  EXPECT_EQ(of_semop(), (std::vector<int>{EINTR, EINVAL, ENOSPC, EIDRM}));
}

TEST(faults, removal_and_close_happen_whatever_is_played) {
  const int id = ::msgget(IPC_PRIVATE, 0600);
  ASSERT_GE(id, 0);
  const Pipe pipe;
  const int copy = ::dup(pipe.fds[0]);
  const std::uint8_t choices[] = {1, 1};
  {
    Faults faults(choices, Realism::posix);
    EXPECT_EQ(::close(copy), -1);
    EXPECT_EQ(::msgctl(id, IPC_RMID, nullptr), 0);
  }
  EXPECT_EQ(::fcntl(copy, F_GETFD), -1);
}

TEST(faults, shortened_transfer_leaves_at_least_one_byte_and_not_all) {
  const Pipe pipe;
  constexpr std::size_t kSize = 100;
  std::vector<char> bytes(kSize, 'x');
  std::size_t shortest = kSize;
  std::size_t longest = 0;
  for (std::size_t choice = 1; choice <= kChoices; ++choice) {
    const auto choices = fault_at(0, static_cast<std::uint8_t>(choice));
    Faults faults(choices);
    const auto old = ::signal(SIGPIPE, SIG_IGN);
    const ssize_t written = ::write(pipe.fds[1], bytes.data(), kSize);
    ::signal(SIGPIPE, old);
    if (!faults.played().empty() && faults.played()[0].fault->effect == Effect::shorten) {
      ASSERT_GE(written, 1);
      ASSERT_LT(written, static_cast<ssize_t>(kSize));
      shortest = std::min(shortest, static_cast<std::size_t>(written));
      longest = std::max(longest, static_cast<std::size_t>(written));
    }
    if (written < 0) continue;
    ASSERT_EQ(::read(pipe.fds[0], bytes.data(), kSize), written);
  }
  EXPECT_EQ(shortest, 1u);
  EXPECT_GT(longest, kSize / 2);
}

TEST(faults, transfers_of_one_byte_and_datagrams_stay_whole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}}) {
    std::size_t transfer = size;
    const auto choices = fault_at(0, 3);  // the third fault of write is the shortened one
    Faults faults(choices);
    EXPECT_EQ(next_fault(Call::write, {}, &transfer), nullptr);
    EXPECT_EQ(transfer, size);
  }
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  {
    const auto choices = fault_at(0, 3);
    Faults faults(choices);
    EXPECT_EQ(::send(fds[0], "whole", 5, MSG_NOSIGNAL), 5);
    EXPECT_TRUE(faults.played().empty());
  }
  ::close(fds[0]);
  ::close(fds[1]);
}

// What a user's library may call instead; each plays the row of its plain twin.
TEST(faults, other_names_of_a_call_play_the_same_row) {
  const Pipe pipe;
  char byte = 'x';
  const iovec element{.iov_base = &byte, .iov_len = 1};
  struct stat status{};
  const auto played = [](auto attempt) {
    const auto choices = fault_at(0, 1);
    Faults faults(choices, Realism::posix);
    EXPECT_EQ(attempt(), -1);
    EXPECT_EQ(faults.played().size(), 1u);
    return faults.played().empty() ? Call::count_ : faults.played()[0].call;
  };
  EXPECT_EQ(played([&] { return ::readv(pipe.fds[0], &element, 1); }), Call::read);
  EXPECT_EQ(played([] { return ::open64("/dev/null", O_RDONLY | O_CLOEXEC); }), Call::open);
  EXPECT_EQ(played([] { return ::accept(-1, nullptr, nullptr); }), Call::accept);
  EXPECT_EQ(played([&] { return ::stat("/", &status); }), Call::stat);
  EXPECT_EQ(played([&] { return ::lstat("/", &status); }), Call::stat);
  EXPECT_EQ(played([&] { return ::recvfrom(-1, &byte, 1, 0, nullptr, nullptr); }), Call::recv);
  EXPECT_EQ(played([&] { return ::sendto(-1, &byte, 1, MSG_NOSIGNAL, nullptr, 0); }), Call::send);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(played([&] { return ::writev(pipe.fds[1], &element, 1); }), Call::write);
  ::signal(SIGPIPE, old);
}

TEST(faults_death, epipe_brings_sigpipe) {
  const Pipe pipe;
  EXPECT_EXIT(
      {
        ::signal(SIGPIPE, SIG_DFL);
        const auto choices = fault_at(0, 1);
        Faults faults(choices);
        std::ignore = ::write(pipe.fds[1], "a", 1);
        ::_exit(0);
      },
      testing::KilledBySignal(SIGPIPE), "");
}

TEST(faults, epipe_of_send_brings_no_sigpipe_with_msg_nosignal) {
  int fds[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  {
    const auto choices = fault_at(0, 1);
    Faults faults(choices);
    EXPECT_EQ(::send(fds[0], "a", 1, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, EPIPE);
  }
  ::close(fds[0]);
  ::close(fds[1]);
}

TEST(faults, keeps_the_first_played_and_forgets_none_before) {
  std::vector<std::uint8_t> choices(2 * Faults::kMostPlayed, 1);
  Faults faults(choices);
  for (std::size_t i = 0; i < choices.size(); ++i) EXPECT_NE(next_fault(Call::write), nullptr);
  EXPECT_EQ(faults.played().size(), Faults::kMostPlayed);
  EXPECT_EQ(faults.calls(), choices.size());
}

TEST(faults_death, refuses_to_nest) {
  EXPECT_DEATH(
      {
        Faults outer({});
        Faults inner({});
      },
      "CHECK failed");
}

}  // namespace
}  // namespace pipewrench
