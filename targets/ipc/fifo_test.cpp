// SPDX-License-Identifier: MIT
#include "targets/ipc/fifo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cstring>
#include <fstream>
#include <optional>
#include <thread>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/test_support.h"

namespace ipc {
namespace {

using namespace std::chrono_literals;
using pipewrench::Faults;
using pipewrench::Guard;
using pipewrench::VirtualTime;

class FifoTest : public testing::Test {
 protected:
  FifoTest() { ::signal(SIGPIPE, SIG_IGN); }
  std::string path() const { return dir_ / "fifo"; }
  bool is_there() const {
    struct stat found{};
    return ::lstat(path().c_str(), &found) == 0;
  }
  mode_t mode() const {
    struct stat found{};
    EXPECT_EQ(::lstat(path().c_str(), &found), 0);
    return found.st_mode & 07777;
  }
  static std::string read_all(const Fd& reader) {
    char bytes[64];
    const ssize_t count = ::read(reader.get(), bytes, sizeof bytes);
    return count < 0 ? strerrorname_np(errno) : std::string(bytes, static_cast<size_t>(count));
  }
  static ssize_t put(const Fd& writer, const char* text) {
    return ::write(writer.get(), text, std::strlen(text));
  }

  TempDir dir_;
};

// What stands under the name.

TEST_F(FifoTest, creates_with_0600_whatever_the_umask) {
  for (const mode_t mask : {0000u, 0022u, 0277u, 0777u}) {
    const mode_t old = ::umask(mask);
    const auto fifo = Fifo::create(path());
    ::umask(old);
    ASSERT_TRUE(fifo) << fifo.error().describe();
    EXPECT_EQ(mode(), 0600u);
    EXPECT_TRUE(fifo->is_creator());
  }
}

TEST_F(FifoTest, create_is_exclusive_and_use_wants_one) {
  EXPECT_EQ(Fifo::use(path()).error().kind, Kind::not_found);
  const auto first = Fifo::create(path());
  const auto second = Fifo::create(path());
  EXPECT_EQ(second.error().kind, Kind::exists);
  EXPECT_EQ(second.error().number, EEXIST);
  EXPECT_NE(second.error().describe().find(path()), std::string::npos);
  const auto user = Fifo::create_or_use(path());
  ASSERT_TRUE(user);
  EXPECT_FALSE(user->is_creator());
  EXPECT_EQ(user->path(), path());
}

TEST_F(FifoTest, refuses_what_is_no_fifo) {
  const auto refused = [&](const char* what) {
    const auto made = Fifo::create_or_use(path());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, Kind::wrong_type);
    EXPECT_NE(made.error().subject.find(path()), std::string::npos);
    EXPECT_NE(made.error().subject.find(what), std::string::npos) << made.error().describe();
    EXPECT_TRUE(is_there());
    ASSERT_EQ(std::remove(path().c_str()), 0);
  };
  std::ofstream(path()) << "mine";
  refused("a file");
  ASSERT_EQ(::mkdir(path().c_str(), 0700), 0);
  refused("a directory");
  ASSERT_EQ(::symlink("nowhere", path().c_str()), 0);
  refused("a symbolic link");
  const auto other = Fifo::create(dir_ / "other");
  ASSERT_EQ(::symlink("other", path().c_str()), 0);
  refused("a symbolic link");
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  refused("a socket");
  EXPECT_EQ(Fifo::use("/dev/null").error().kind, Kind::wrong_type);
}

TEST_F(FifoTest, refuses_one_that_others_can_write_to) {
  const auto fifo = Fifo::create(path());
  for (const mode_t bits : {0620u, 0602u, 0666u}) {
    ASSERT_EQ(::chmod(path().c_str(), bits), 0);
    const auto found = Fifo::create_or_use(path());
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, Kind::permission);
    EXPECT_EQ(found.error().arguments[0].value, static_cast<long>(bits));
  }
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  EXPECT_TRUE(Fifo::use(path()));
}

TEST_F(FifoTest, refuses_another_users) {
  const auto fifo = Fifo::create(path());
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(path().c_str(), 12345, static_cast<gid_t>(-1)), 0);
  const auto found = Fifo::create_or_use(path());
  EXPECT_EQ(found.error().kind, Kind::permission);
  EXPECT_EQ(found.error().arguments[0].value, 12345);
}

TEST_F(FifoTest, tells_bad_paths) {
  EXPECT_EQ(Fifo::create_or_use(dir_ / "no/fifo").error().kind, Kind::not_found);
  std::ofstream(path()) << "x";
  EXPECT_EQ(Fifo::create_or_use(path() + "/fifo").error().kind, Kind::wrong_type);
  EXPECT_EQ(Fifo::create_or_use(dir_ / std::string(300, 'n').c_str()).error().kind,
            Kind::bad_argument);
  const std::string nul = path() + '\0' + "x";
  EXPECT_EQ(Fifo::create_or_use(nul).error().kind, Kind::bad_argument);
  EXPECT_EQ(Fifo::use(nul).error().kind, Kind::bad_argument);
}

TEST_F(FifoTest, gives_up_where_the_name_comes_and_goes) {
  const std::string name = path();  // UBSan asks with pipe() whether `this` is readable
  // mkfifo says EEXIST, then open finds nothing, again and again.
  std::array<std::uint8_t, 2 * Fifo::kMostAttempts> choices{};
  for (std::size_t i = 0; i < choices.size(); i += 2) choices[i] = 2;
  const Faults faults(choices);
  EXPECT_EQ(Fifo::create_or_use(name).error().kind, Kind::stale);
}

// Who removes it.

TEST_F(FifoTest, only_the_creator_unlinks) {
  std::optional<Fifo> creator = *Fifo::create(path());
  {
    auto user = Fifo::use(path());
    EXPECT_EQ(user->remove().error().kind, Kind::permission);
  }
  EXPECT_TRUE(is_there());
  creator.reset();
  EXPECT_FALSE(is_there());
}

TEST_F(FifoTest, only_its_own_inode) {
  auto creator = Fifo::create(path());
  ASSERT_EQ(::unlink(path().c_str()), 0);
  const auto successor = Fifo::create(path());
  EXPECT_EQ(creator->remove().error().kind, Kind::stale);
  EXPECT_TRUE(is_there());
  EXPECT_EQ(creator->remove().error().kind, Kind::permission);  // once only
}

TEST_F(FifoTest, tells_that_somebody_removed_it_first) {
  auto creator = Fifo::create(path());
  ASSERT_EQ(::unlink(path().c_str()), 0);
  EXPECT_EQ(creator->check().error().kind, Kind::removed);
  EXPECT_EQ(creator->remove().error().kind, Kind::removed);
}

TEST_F(FifoTest, a_forked_child_leaves_it) {
  auto creator = Fifo::create(path());
  const pid_t pid = ::fork();
  if (pid == 0) {
    {
      const Fifo copy = std::move(*creator);
    }
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
  EXPECT_TRUE(is_there());
}

TEST_F(FifoTest, who_adopts_removes) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);  // left by a killed server
  {
    auto heir = Fifo::create_or_use(path());
    EXPECT_FALSE(heir->is_creator());
    heir->adopt();
  }
  EXPECT_FALSE(is_there());
}

TEST_F(FifoTest, moving_moves_the_duty) {
  auto one = *Fifo::create(path());
  auto other = *Fifo::create(dir_ / "other");
  auto& same = one;
  one = std::move(same);
  EXPECT_TRUE(is_there());
  other = std::move(one);
  EXPECT_TRUE(is_there());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "other"));
  EXPECT_TRUE(other.is_creator());
  EXPECT_TRUE(other.remove());
  EXPECT_TRUE(dir_.empty());
}

// Opening.

TEST_F(FifoTest, ends_are_cloexec_and_nonblocking) {
  const auto fifo = Fifo::create(path());
  const auto reader = fifo->listen();
  const auto writer = fifo->open_writer(Deadline::now());
  ASSERT_TRUE(reader && writer);
  for (const int fd : {reader->get(), writer->get()}) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  }
}

TEST_F(FifoTest, now_tells_that_nobody_is_there) {
  const auto fifo = Fifo::create(path());
  EXPECT_EQ(fifo->open_writer(Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(fifo->open_reader(Deadline::now()).error().kind, Kind::would_block);
}

TEST_F(FifoTest, neither_opener_outlives_its_deadline) {
  const VirtualTime time;
  const auto fifo = Fifo::create(path());
  const auto writer = fifo->open_writer(Deadline::after(10s));
  EXPECT_EQ(writer.error().kind, Kind::timed_out);
  EXPECT_NE(writer.error().subject.find(path()), std::string::npos);
  EXPECT_EQ(VirtualTime::elapsed_ns(), 10'000'000'000);
  EXPECT_EQ(fifo->open_reader(Deadline::after(10s)).error().kind, Kind::timed_out);
  EXPECT_EQ(VirtualTime::elapsed_ns(), 20'000'000'000);
}

TEST_F(FifoTest, an_idle_writer_is_enough_for_a_reader) {
  const auto fifo = Fifo::create(path());
  const auto listener = fifo->listen();
  EXPECT_EQ(fifo->await_writer(*listener, Deadline::now()).error().kind, Kind::would_block);
  auto writer = fifo->open_writer(Deadline::now());
  EXPECT_TRUE(fifo->await_writer(*listener, Deadline::now()));
  EXPECT_TRUE(fifo->open_reader(Deadline::now()));
  EXPECT_EQ(read_all(*listener), "EAGAIN");
}

TEST_F(FifoTest, a_writer_that_came_and_went_is_enough_for_a_reader) {
  const auto fifo = Fifo::create(path());
  const auto listener = fifo->listen();
  fifo->open_writer(Deadline::now())->close();
  EXPECT_TRUE(fifo->await_writer(*listener, Deadline::now()));
  EXPECT_EQ(read_all(*listener), "");
}

TEST_F(FifoTest, a_reader_that_came_and_went_is_not_enough_for_a_writer) {
  const auto fifo = Fifo::create(path());
  auto listener = fifo->listen();
  const auto writer = fifo->open_writer(Deadline::now());
  listener->close();
  EXPECT_EQ(fifo->await_reader(*writer, Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(put(*writer, "x"), -1);
  EXPECT_EQ(errno, EPIPE);
  listener = fifo->listen();
  EXPECT_TRUE(fifo->await_reader(*writer, Deadline::now()));
  EXPECT_EQ(put(*writer, "again"), 5);
  EXPECT_EQ(read_all(*listener), "again");
}

// Readiness in both orders, with the library and with programs that sleep in open(2).

TEST_F(FifoTest, reader_first) {
  const auto fifo = Fifo::create(path());
  FileEvents opened(path(), IN_OPEN);
  std::thread reader([&] {
    const auto end = fifo->open_reader(Deadline::never());
    ASSERT_TRUE(end) << end.error().describe();
  });
  opened.wait();
  const auto writer = fifo->open_writer(Deadline::after(20s));
  EXPECT_TRUE(writer);
  reader.join();
}

TEST_F(FifoTest, writer_first) {
  const auto fifo = Fifo::create(path());
  FileEvents opened(path(), IN_CLOSE_WRITE);  // its O_RDWR moment has passed
  std::thread writer([&] {
    const auto end = fifo->open_writer(Deadline::never());
    ASSERT_TRUE(end) << end.error().describe();
  });
  opened.wait();
  const auto reader = fifo->open_reader(Deadline::after(20s));
  EXPECT_TRUE(reader);
  writer.join();
}

TEST_F(FifoTest, a_stranger_that_sleeps_opening_to_read_wakes) {
  const auto fifo = Fifo::create(path());
  std::thread stranger([&] {
    const Fd end(::open(path().c_str(), O_RDONLY | O_CLOEXEC));
    char byte = 0;
    EXPECT_EQ(::read(end.get(), &byte, 1), 1);
  });
  const auto writer = fifo->open_writer(Deadline::never());
  ASSERT_TRUE(writer);
  EXPECT_EQ(put(*writer, "x"), 1);
  stranger.join();
}

TEST_F(FifoTest, a_stranger_that_sleeps_opening_to_write_wakes) {
  const auto fifo = Fifo::create(path());
  std::thread stranger([&] { const Fd end(::open(path().c_str(), O_WRONLY | O_CLOEXEC)); });
  const auto reader = fifo->open_reader(Deadline::never());
  EXPECT_TRUE(reader);
  stranger.join();
}

TEST_F(FifoTest, many_rounds_in_any_order) {
  constexpr int kRounds = 60;
  const auto fifo = Fifo::create(path());
  const auto back = Fifo::create(dir_ / "back");
  std::barrier round(2);  // or one side meets the other's ends of the last round
  std::thread other([&] {
    for (int i = 0; i < kRounds; ++i) {
      {
        const auto reader = fifo->open_reader(Deadline::never());
        ASSERT_TRUE(reader) << reader.error().describe();
        const auto writer = back->open_writer(Deadline::never());
        ASSERT_TRUE(writer) << writer.error().describe();
        round.arrive_and_wait();
      }
      round.arrive_and_wait();
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    {
      const auto writer = fifo->open_writer(Deadline::never());
      ASSERT_TRUE(writer) << writer.error().describe();
      const auto reader = back->open_reader(Deadline::never());
      ASSERT_TRUE(reader) << reader.error().describe();
      round.arrive_and_wait();
    }
    round.arrive_and_wait();
  }
  other.join();
}

// The other side restarts; the name changes.

TEST_F(FifoTest, a_reader_waits_for_the_next_writer) {
  const auto fifo = Fifo::create(path());
  auto reader = fifo->listen();
  fifo->open_writer(Deadline::now())->close();
  EXPECT_TRUE(fifo->await_writer(*reader, Deadline::now()));
  EXPECT_EQ(fifo->await_next_writer(*reader, Deadline::now()).error().kind, Kind::would_block);
  auto writer = fifo->open_writer(Deadline::now());
  EXPECT_EQ(put(*writer, "second"), 6);
  EXPECT_TRUE(fifo->await_next_writer(*reader, Deadline::now()));
  writer->close();
  EXPECT_EQ(read_all(*reader), "second");
  EXPECT_EQ(read_all(*reader), "");
}

TEST_F(FifoTest, bytes_of_a_writer_that_went_survive_the_wait_for_the_next) {
  const auto fifo = Fifo::create(path());
  auto reader = fifo->listen();
  auto writer = fifo->open_writer(Deadline::now());
  EXPECT_EQ(put(*writer, "kept"), 4);
  writer->close();
  EXPECT_TRUE(fifo->await_next_writer(*reader, Deadline::now()));
  EXPECT_EQ(read_all(*reader), "kept");
}

TEST_F(FifoTest, one_that_was_replaced_is_stale) {
  const auto fifo = Fifo::create(path());
  auto reader = fifo->listen();
  ASSERT_EQ(::unlink(path().c_str()), 0);
  EXPECT_EQ(fifo->listen().error().kind, Kind::removed);
  const auto successor = Fifo::create(path());
  EXPECT_EQ(fifo->check().error().kind, Kind::stale);
  EXPECT_EQ(fifo->listen().error().kind, Kind::stale);
  EXPECT_EQ(fifo->open_writer(Deadline::never()).error().kind, Kind::stale);
  EXPECT_EQ(fifo->open_reader(Deadline::never()).error().kind, Kind::stale);
  EXPECT_EQ(fifo->await_writer(*reader, Deadline::never()).error().kind, Kind::stale);
}

TEST_F(FifoTest, an_unlink_wakes_both_kinds_of_waiters) {
  auto fifo = Fifo::create(path());
  FileEvents opened(path(), IN_CLOSE_WRITE);
  std::thread writer(
      [&] { EXPECT_EQ(fifo->open_writer(Deadline::never()).error().kind, Kind::removed); });
  opened.wait();
  ASSERT_EQ(::unlink(path().c_str()), 0);
  writer.join();

  const auto next = Fifo::create(path());
  FileEvents read(path(), IN_OPEN);
  std::thread reader(
      [&] { EXPECT_EQ(next->open_reader(Deadline::never()).error().kind, Kind::removed); });
  read.wait();
  ASSERT_EQ(::rename(path().c_str(), (dir_ / "elsewhere").c_str()), 0);
  reader.join();
}

TEST_F(FifoTest, tells_a_failure_to_read_the_watch) {
  const auto fifo = Fifo::create(path());
  const std::string name = path();
  std::atomic<bool> done = false;
  // Wakes the waiter with openings that are no writer's, until it has ended.
  std::thread stranger([&] {
    while (!done) const Fd end(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  });
  std::array<std::uint8_t, 40> choices{};
  // The wait is the calls up to poll() with the watch; then comes the read of its events.
  constexpr std::size_t kReadOfEvents = 17;
  choices[kReadOfEvents] = 1;
  {
    const Faults faults(choices, pipewrench::Realism::posix);
    const auto reader = fifo->open_reader(Deadline::never());
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().number, EIO) << reader.error().describe();
  }
  done = true;
  stranger.join();
}

// Every call fails in turn: an error value or success, nothing left, the name kept or gone.

TEST_F(FifoTest, survives_every_fault_of_every_call) {
  const std::string name = path();  // UBSan asks with pipe() whether `this` is readable
  const VirtualTime time;
  std::size_t played = 0;
  for (std::uint8_t choice = 1; choice <= 5; ++choice) {
    for (std::uint8_t skip = 0; skip < 60; ++skip) {
      const Guard guard;
      const mode_t old = ::umask(0777);  // so that chmod is called
      {
        const auto choices = pipewrench::fault_at(skip, choice);
        const Faults faults(choices);
        auto fifo = Fifo::create_or_use(name);
        if (fifo) {
          (void)fifo->open_writer(Deadline::after(1s));
          auto reader = fifo->listen();
          auto writer = fifo->open_writer(Deadline::now());
          if (reader && writer) {
            (void)fifo->await_reader(*writer, Deadline::after(1s));
            (void)fifo->await_writer(*reader, Deadline::after(1s));
            writer->close();
            (void)fifo->await_next_writer(*reader, Deadline::after(1s));
          }
        }
        played += faults.played().size();
      }
      ::umask(old);
      ::unlink(name.c_str());  // where unlink() itself, or the look before it, was the fault
    }
  }
  EXPECT_GT(played, 100u);
}

TEST_F(FifoTest, a_signal_at_any_call_of_a_look_changes_nothing) {
  const auto fifo = Fifo::create(path());
  const auto reader = fifo->listen();
  const auto eintr_everywhere = [&](bool comes) {
    constexpr std::uint8_t kCalls = 16, kEintr = 2;  // in the rows of poll and tee
    std::size_t played = 0;
    for (std::uint8_t skip = 0; skip < kCalls; ++skip) {
      const auto choices = pipewrench::fault_at(skip, kEintr);
      const Faults faults(choices);
      const auto come = fifo->await_writer(*reader, Deadline::now());
      if (faults.played().empty() || faults.played()[0].fault->error_number != EINTR) continue;
      EXPECT_EQ(come ? Kind::exists : come.error().kind, comes ? Kind::exists : Kind::would_block)
          << "at call " << int{skip};
      ++played;
    }
    EXPECT_EQ(played, 2u);  // poll and tee
  };
  eintr_everywhere(false);
  const auto writer = fifo->open_writer(Deadline::now());
  ASSERT_TRUE(writer);
  eintr_everywhere(true);
}

TEST_F(FifoTest, a_failure_after_mkfifo_leaves_no_name) {
  const std::string name = path();  // UBSan asks with pipe() whether `this` is readable
  for (const std::uint8_t choice : {std::uint8_t{1}, std::uint8_t{3}}) {  // EACCES, EMFILE
    const auto choices = pipewrench::fault_at(1, choice);
    {
      const Faults faults(choices);
      EXPECT_FALSE(Fifo::create(name));
      EXPECT_EQ(faults.played().size(), 1u);
    }
    EXPECT_FALSE(is_there());
  }
}

}  // namespace
}  // namespace ipc
