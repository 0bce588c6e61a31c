// The model against the kernel: every row of the errno checklist that it covers, driven on both,
// and a long walk of random operations.
// SPDX-License-Identifier: MIT
#include "targets/model/fifo.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

namespace model {
namespace {

using Thing = FifoName::Thing;

FifoName::Result kernel(long value) {
  return value < 0 ? FifoName::Result{-1, errno} : FifoName::Result{value, 0};
}

// Does each operation on a real name and on the model, and expects the same result.
class FifoModel : public testing::Test {
 protected:
  FifoModel() {
    ::signal(SIGPIPE, SIG_IGN);
    std::string dir = (std::filesystem::temp_directory_path() / "fifo_test.XXXXXX").string();
    EXPECT_NE(::mkdtemp(dir.data()), nullptr);
    dir_ = dir;
    path_ = dir_ + "/name";
  }
  ~FifoModel() override {
    for (const auto& [file, fd] : fds_) ::close(fd);
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  int mkfifo() { return agree(kernel(::mkfifo(path_.c_str(), 0600)), model_.mkfifo(0600)).error; }

  void put(Thing thing) {
    model_.put(thing);
    if (thing == Thing::file) ::close(::creat(path_.c_str(), 0600));
    if (thing == Thing::directory) ::mkdir(path_.c_str(), 0700);
    if (thing == Thing::symlink) {
      EXPECT_EQ(::symlink("nowhere", path_.c_str()), 0);
    }
  }

  int unlink() {
    const bool is_directory = model_.thing() == Thing::directory;
    const int result = is_directory ? ::rmdir(path_.c_str()) : ::unlink(path_.c_str());
    return agree(kernel(result), model_.unlink()).error;
  }

  // The model's file on success, else -errno.
  long open(int access) {
    const int fd = ::open(path_.c_str(), access | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    const int error = fd < 0 ? errno : 0;
    const auto result = model_.open(access);
    EXPECT_EQ(error, result.error) << "access " << access;
    if (fd < 0) return -error;
    if (model_.thing() == Thing::fifo) {
      fds_[result.value] = fd;
    } else {
      ::close(fd);
    }
    return result.value;
  }

  void close(long file) {
    model_.close(static_cast<int>(file));
    ::close(fds_.at(file));
    fds_.erase(file);
  }

  // What was read, or the errno's name.
  std::string read(long file, std::size_t size) {
    std::array<char, 256> bytes{};
    std::string expected;
    const auto got = kernel(::read(fds_.at(file), bytes.data(), size));
    const auto result = agree(got, model_.read(static_cast<int>(file), size, &expected));
    if (got.error != 0) return ::strerrorname_np(result.error);
    EXPECT_EQ(std::string(bytes.data(), static_cast<std::size_t>(got.value)), expected);
    return expected;
  }

  FifoName::Result write(long file, const std::string& bytes) {
    const auto got = kernel(::write(fds_.at(file), bytes.data(), bytes.size()));
    return agree(got, model_.write(static_cast<int>(file), bytes));
  }

  short poll(long file) {
    pollfd entry{.fd = fds_.at(file), .events = POLLIN | POLLOUT, .revents = 0};
    EXPECT_GE(::poll(&entry, 1, 0), 0);
    EXPECT_EQ(entry.revents, model_.poll(static_cast<int>(file)));
    return entry.revents;
  }

  FifoName::Result agree(const FifoName::Result& real, const FifoName::Result& expected) {
    EXPECT_EQ(real, expected);
    return expected;
  }

  FifoName model_;
  std::string dir_, path_;
  std::map<long, int> fds_;
};

TEST_F(FifoModel, row_mkfifo_path_exists_any_type) {
  EXPECT_EQ(mkfifo(), 0);
  EXPECT_EQ(mkfifo(), EEXIST);
  EXPECT_EQ(unlink(), 0);
  for (const Thing thing : {Thing::file, Thing::directory, Thing::symlink}) {
    put(thing);
    EXPECT_EQ(mkfifo(), EEXIST);
    EXPECT_EQ(unlink(), 0);
  }
  EXPECT_EQ(unlink(), ENOENT);
}

TEST_F(FifoModel, the_mode_is_what_chmod_left) {
  EXPECT_EQ(model_.chmod(0640).error, ENOENT);
  mkfifo();
  EXPECT_EQ(model_.mode(), 0600u);
  model_.chmod(0640);
  EXPECT_EQ(model_.mode(), 0640u);
}

TEST_F(FifoModel, row_open_wronly_nonblock_no_reader) {
  mkfifo();
  EXPECT_EQ(open(O_WRONLY), -ENXIO);
}

TEST_F(FifoModel, row_open_rdonly_nonblock_no_writer) {
  mkfifo();
  EXPECT_GE(open(O_RDONLY), 0);
  EXPECT_GE(open(O_WRONLY), 0);
}

TEST_F(FifoModel, row_open_rdwr_no_peer_then_no_eof) {
  mkfifo();
  const long file = open(O_RDWR);
  EXPECT_EQ(read(file, 1), "EAGAIN");
  EXPECT_EQ(poll(file), POLLOUT);
}

TEST_F(FifoModel, row_open_blocks_until_the_other_end_opens) {
  mkfifo();
  EXPECT_FALSE(model_.blocking_open_returns(model_.inode(), O_RDONLY));
  EXPECT_FALSE(model_.blocking_open_returns(model_.inode(), O_WRONLY));
  EXPECT_TRUE(model_.blocking_open_returns(model_.inode(), O_RDWR));
  std::thread writer([&] { ::close(::open(path_.c_str(), O_WRONLY | O_CLOEXEC)); });
  ::close(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));  // each lets the other return
  writer.join();
  const long reader = open(O_RDONLY);
  EXPECT_TRUE(model_.blocking_open_returns(model_.inode(), O_WRONLY));
  const int second = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);  // does not sleep
  EXPECT_GE(second, 0);
  ::close(second);
  close(reader);
}

TEST_F(FifoModel, row_open_unlinked_and_recreated) {
  mkfifo();
  const int old_inode = model_.inode();
  const long reader = open(O_RDONLY);
  unlink();
  mkfifo();
  EXPECT_EQ(open(O_WRONLY), -ENXIO);  // the reader is at the old one
  EXPECT_EQ(model_.readers(old_inode), 1);
  EXPECT_EQ(poll(reader), 0);
}

TEST_F(FifoModel, row_open_writer_opens_and_closes_again_at_once) {
  mkfifo();
  const long reader = open(O_RDONLY);
  EXPECT_EQ(poll(reader), 0);
  close(open(O_WRONLY));
  EXPECT_EQ(poll(reader), POLLHUP);
  EXPECT_EQ(read(reader, 1), "");
}

TEST_F(FifoModel, row_read_poll_before_during_after_the_writer) {
  mkfifo();
  const long reader = open(O_RDONLY);
  EXPECT_EQ(read(reader, 1), "");
  EXPECT_EQ(poll(reader), 0);
  const long writer = open(O_WRONLY);
  EXPECT_EQ(read(reader, 1), "EAGAIN");
  EXPECT_EQ(poll(reader), 0);
  EXPECT_EQ(poll(writer), POLLOUT);
  write(writer, "data");
  EXPECT_EQ(poll(reader), POLLIN);
  close(writer);
  EXPECT_EQ(poll(reader), POLLIN | POLLHUP);
  EXPECT_EQ(read(reader, 3), "dat");
  EXPECT_EQ(read(reader, 3), "a");
  EXPECT_EQ(read(reader, 3), "");
  EXPECT_EQ(poll(reader), POLLHUP);
}

TEST_F(FifoModel, row_close_last_descriptor_discards) {
  mkfifo();
  const long both = open(O_RDWR);
  write(both, "lost");
  close(both);
  EXPECT_EQ(read(open(O_RDONLY), 4), "");
}

TEST_F(FifoModel, row_close_and_reopen_with_a_writer_left_keeps) {
  mkfifo();
  const long reader = open(O_RDONLY);
  const long writer = open(O_WRONLY);
  write(writer, "kept");
  close(reader);
  EXPECT_EQ(poll(writer), POLLOUT | POLLERR);
  const long next = open(O_RDONLY);
  EXPECT_EQ(poll(next), POLLIN);
  EXPECT_EQ(read(next, 9), "kept");
}

TEST_F(FifoModel, row_write_reader_closed_then_a_new_one) {
  mkfifo();
  const long reader = open(O_RDONLY);
  const long writer = open(O_WRONLY);
  close(reader);
  EXPECT_EQ(write(writer, "x").error, EPIPE);
  EXPECT_EQ(write(writer, "").error, 0);  // no bytes: no error either
  const long next = open(O_RDONLY);
  EXPECT_EQ(write(writer, "again").error, 0);
  EXPECT_EQ(read(next, 9), "again");
}

TEST_F(FifoModel, row_open_path_is_something_else) {
  EXPECT_EQ(open(O_RDONLY), -ENOENT);
  put(Thing::directory);
  EXPECT_EQ(open(O_WRONLY), -EISDIR);
  EXPECT_EQ(open(O_RDONLY), 0);
  unlink();
  put(Thing::symlink);
  EXPECT_EQ(open(O_RDONLY), -ELOOP);
  unlink();
  put(Thing::file);
  EXPECT_EQ(open(O_WRONLY), 0);
}

TEST_F(FifoModel, row_open_creat_excl_and_trunc) {
  mkfifo();
  EXPECT_EQ(::open(path_.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), -1);
  EXPECT_EQ(errno, mkfifo());
  const long both = open(O_RDWR);
  write(both, "kept");
  ::close(::open(path_.c_str(), O_RDONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC));
  EXPECT_EQ(read(both, 4), "kept");  // ignored
}

TEST_F(FifoModel, row_unlink_while_open) {
  mkfifo();
  const long reader = open(O_RDONLY);
  const long writer = open(O_WRONLY);
  unlink();
  EXPECT_EQ(open(O_RDONLY), -ENOENT);
  write(writer, "works");
  EXPECT_EQ(read(reader, 9), "works");
}

TEST_F(FifoModel, row_left_by_a_killed_server) {
  mkfifo();
  EXPECT_EQ(open(O_WRONLY), -ENXIO);
  EXPECT_FALSE(model_.blocking_open_returns(model_.inode(), O_WRONLY));
  EXPECT_EQ(mkfifo(), EEXIST);
  EXPECT_GE(open(O_RDONLY), 0);
}

TEST_F(FifoModel, row_read_on_the_write_end_and_the_reverse) {
  mkfifo();
  const long reader = open(O_RDONLY);
  const long writer = open(O_WRONLY);
  EXPECT_EQ(read(writer, 1), "EBADF");
  EXPECT_EQ(write(reader, "x").error, EBADF);
  EXPECT_EQ(read(reader, 0), "");
}

TEST_F(FifoModel, agrees_with_the_kernel_on_a_long_walk) {
  constexpr int kSteps = 20000;
  constexpr std::size_t kMostOpen = 8, kMostContent = 4096;
  constexpr std::array kAccess = {O_RDONLY, O_WRONLY, O_RDWR};
  constexpr std::array kThings = {Thing::file, Thing::directory, Thing::symlink};
  std::mt19937 random(1);
  const auto choose = [&](std::size_t count) { return random() % count; };
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    const std::size_t operation = choose(16);
    if (operation == 0) mkfifo();
    if (operation == 1 && choose(8) == 0) unlink();
    if (operation == 2 && model_.thing() == Thing::nothing) put(kThings[choose(3)]);
    if (operation < 6 && fds_.size() < kMostOpen) open(kAccess[choose(3)]);
    if (fds_.empty()) continue;
    const long file = std::next(fds_.begin(), static_cast<long>(choose(fds_.size())))->first;
    if (operation >= 6 && operation < 9) close(file);
    if (operation >= 9 && operation < 12) read(file, choose(40));
    const bool has_room = model_.inode() < 0 || model_.content(model_.inode()) < kMostContent;
    if (operation >= 12 && operation < 14 && has_room)
      write(file, std::string(choose(32), static_cast<char>('a' + step % 26)));
    if (operation >= 14) poll(file);
  }
}

}  // namespace
}  // namespace model
