// The model of a pipe against the kernel: each test is a row of the errno checklist, driven on
// both.
// SPDX-License-Identifier: MIT
#include "targets/model/pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <random>
#include <string>

namespace model {
namespace {

constexpr std::size_t kCapacity = Pipe::kPages * Pipe::kPage;

// The same call on a real non-blocking pipe and on its twin; both must agree on result, errno, data
// and readiness.
class PipeModel : public ::testing::Test {
 protected:
  PipeModel() {
    EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0);
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &old_);
  }
  ~PipeModel() override {
    for (const int end : ends_)
      if (end >= 0) ::close(end);
    ::sigaction(SIGPIPE, &old_, nullptr);
  }

  Outcome write(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    const Outcome real = outcome(::write(ends_[1], bytes.data(), size));
    EXPECT_EQ(real, twin_.write(bytes)) << "write " << size;
    compare_state();
    return real;
  }

  Outcome read(std::size_t size) {
    std::string bytes(size, '\0');
    const Outcome real = outcome(::read(ends_[0], bytes.data(), size));
    std::string expected;
    EXPECT_EQ(real, twin_.read(size, &expected)) << "read " << size;
    bytes.resize(static_cast<std::size_t>(std::max(real.result, 0L)));
    EXPECT_EQ(bytes, expected);
    compare_state();
    return real;
  }

  Outcome resize(int size) {
    const Outcome real = outcome(::fcntl(ends_[1], F_SETPIPE_SZ, size));
    EXPECT_EQ(real, twin_.resize(static_cast<std::size_t>(size))) << "resize " << size;
    compare_state();
    return real;
  }

  void close_writer() {
    ::close(std::exchange(ends_[1], -1));
    twin_.remove_writer();
    compare_state();
  }
  void close_reader() {
    ::close(std::exchange(ends_[0], -1));
    twin_.remove_reader();
    compare_state();
  }

  static constexpr Outcome kAgain{-1, EAGAIN};
  std::minstd_rand random_{1};

 private:
  static Outcome outcome(long result) { return {result, result < 0 ? errno : 0}; }

  void compare_state() {
    if (ends_[0] >= 0) {
      int unread = -1;
      EXPECT_EQ(::ioctl(ends_[0], FIONREAD, &unread), 0);
      EXPECT_EQ(static_cast<std::size_t>(unread), twin_.bytes());
      EXPECT_EQ(polled(ends_[0]), twin_.poll_reader());
    }
    if (ends_[1] >= 0) {
      EXPECT_EQ(polled(ends_[1]), twin_.poll_writer());
      EXPECT_EQ(static_cast<std::size_t>(::fcntl(ends_[1], F_GETPIPE_SZ)), twin_.capacity());
    }
  }
  static short polled(int fd) {
    pollfd entry{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
    EXPECT_GE(::poll(&entry, 1, 0), 0);
    return entry.revents;
  }

  std::array<int, 2> ends_{-1, -1};
  Pipe twin_;
  struct sigaction old_{};
};

TEST_F(PipeModel, read_empty_no_writer) {
  close_writer();
  EXPECT_EQ(read(10), (Outcome{0, 0}));
}

TEST_F(PipeModel, read_empty_writer_exists_nonblock) { EXPECT_EQ(read(10), kAgain); }

TEST_F(PipeModel, read_fewer_bytes_available_than_asked) {
  write(3);
  EXPECT_EQ(read(10), (Outcome{3, 0}));
}

TEST_F(PipeModel, read_two_small_writes_queued) {
  write(3);
  write(4);
  EXPECT_EQ(read(10), (Outcome{7, 0}));
}

TEST_F(PipeModel, read_count_0) { EXPECT_EQ(read(0), (Outcome{0, 0})); }

TEST_F(PipeModel, read_data_left_by_a_writer_that_is_gone) {
  write(5);
  close_writer();
  EXPECT_EQ(read(3), (Outcome{3, 0}));
  EXPECT_EQ(read(3), (Outcome{2, 0}));
  EXPECT_EQ(read(3), (Outcome{0, 0}));
}

TEST_F(PipeModel, write_no_reader) {
  write(5);
  close_reader();
  EXPECT_EQ(write(1), (Outcome{-1, EPIPE}));
}

TEST_F(PipeModel, write_no_reader_count_0) {
  close_reader();
  EXPECT_EQ(write(0), (Outcome{0, 0}));
}

TEST_F(PipeModel, write_up_to_pipe_buf_nonblock_not_enough_room) {
  write(kCapacity - 1000);
  EXPECT_EQ(write(1001), kAgain);
  EXPECT_EQ(write(1000), (Outcome{1000, 0}));
}

TEST_F(PipeModel, write_more_than_pipe_buf_nonblock_some_room) {
  write(kCapacity - 2 * Pipe::kPage);
  EXPECT_EQ(write(3 * Pipe::kPage), (Outcome{2 * Pipe::kPage, 0}));
}

TEST_F(PipeModel, write_full_nonblock) {
  EXPECT_EQ(write(kCapacity + 1), (Outcome{kCapacity, 0}));
  EXPECT_EQ(write(1), kAgain);
}

TEST_F(PipeModel, capacity_is_pages_not_bytes) {
  for (std::size_t page = 0; page < Pipe::kPages; ++page)
    EXPECT_EQ(write(2049), (Outcome{2049, 0}));
  EXPECT_EQ(write(2048), kAgain) << "only 2047 bytes are free in the last page";
  EXPECT_EQ(write(2047), (Outcome{2047, 0}));
  EXPECT_EQ(read(2048), (Outcome{2048, 0}));
  EXPECT_EQ(write(1), kAgain) << "the first page still holds a byte";
  EXPECT_EQ(read(1), (Outcome{1, 0}));
  EXPECT_EQ(write(4096), (Outcome{4096, 0}));
}

TEST_F(PipeModel, space_read_from_a_page_is_not_used_again) {
  write(4000);
  read(3999);
  EXPECT_EQ(write(96), (Outcome{96, 0}));
  EXPECT_EQ(write(kCapacity), (Outcome{kCapacity - 4096, 0}));
}

TEST_F(PipeModel, fcntl_setpipe_sz_smaller_than_the_data_in_it) {
  write(4097);
  EXPECT_EQ(resize(4096), (Outcome{-1, EBUSY}));
  EXPECT_EQ(resize(8192), (Outcome{8192, 0}));
  EXPECT_EQ(resize(8193), (Outcome{16384, 0})) << "a power of two pages";
  read(5000);
  EXPECT_EQ(resize(1), (Outcome{4096, 0}));
}

TEST_F(PipeModel, any_sequence_of_sizes) {
  for (int step = 0; step < 3000; ++step) {
    const std::size_t size = random_() % (random_() % 3 == 0 ? 20000 : 5000);
    switch (random_() % 16) {
      case 0:
        resize(static_cast<int>(4096 << random_() % 6));
        break;
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6:
      case 7:
        read(size);
        break;
      default:
        write(size);
    }
  }
}

}  // namespace
}  // namespace model
