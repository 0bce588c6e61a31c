// The calls of fuzz_pipe by hand: the same records, no library, no model, no comparison, no guard.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <ctime>

#include "harness/inproc/records.h"

namespace {

using pipewrench::Record;

constexpr std::array<std::size_t, 16> kSizes = {1,    0,    2,    24,   100,  4095, 4096, 4097,
                                                2049, 3000, 5000, 6143, 8191, 8192, 8193, 12289};
constexpr std::array<std::size_t, 4> kSmallSizes = {1, 24, 3, 100};
constexpr std::array<std::size_t, 16> kPayloads = {1, 0, 24, 100, 1000, 4072, 4073, 5000,
                                                   1, 0, 24, 100, 2,    1,    3,    24};
constexpr std::size_t kHeader = 24;
constexpr std::size_t kChunk = 8192;
constexpr int kPage = 4096;

// One for all inputs: large, and what is in it does not matter.
char* buffer() {
  static std::array<char, 16384> bytes;
  return bytes.data();
}

std::size_t size_of(const Record& record) {
  return record.value < kSizes.size() ? kSizes[record.value]
                                      : kSmallSizes[record.value % kSmallSizes.size()];
}

// Time stands still in the target: who waits looks once.
bool is_ready(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

ssize_t write_once(int fd, const char* bytes, std::size_t size) {
  sigset_t sigpipe, before;
  ::sigemptyset(&sigpipe);
  ::sigaddset(&sigpipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
  const ssize_t count = ::write(fd, bytes, size);
  const timespec at_once{};
  if (count < 0 && errno == EPIPE) ::sigtimedwait(&sigpipe, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return count;
}

bool waits(const Record& record) { return (record.flags & 1) != 0; }
bool is_foreign(const Record& record) { return (record.flags & 2) != 0; }
bool is_whole(const Record& record) { return (record.flags & 4) == 0; }

// How much of `size` bytes went.
std::size_t write_all(int fd, std::size_t size, const Record& record, bool polls, bool whole) {
  for (std::size_t done = 0; done < size;) {
    if (polls && !is_ready(fd, POLLOUT)) return done;
    const std::size_t most = polls ? std::min<std::size_t>(size - done, PIPE_BUF) : size - done;
    const ssize_t count = write_once(fd, buffer(), most);
    if (count > 0) done += static_cast<std::size_t>(count);
    if (count > 0 && whole) continue;
    const bool looks = count < 0 && errno == EAGAIN && waits(record);
    if (!looks || !is_ready(fd, POLLOUT)) return done;
  }
  return size;
}

void read_all(int fd, std::size_t size, const Record& record) {
  for (std::size_t done = 0; done < size;) {
    if (is_foreign(record) && !is_ready(fd, POLLIN)) return;
    const ssize_t count = ::read(fd, buffer(), size - done);
    if (count > 0) done += static_cast<std::size_t>(count);
    if (count > 0 && is_whole(record)) continue;
    const bool looks = count < 0 && errno == EAGAIN && waits(record);
    if (!looks || !is_ready(fd, POLLIN)) return;
  }
}

struct Ends {
  int reader = -1;
  int writer = -1;
};

Ends make(int pages) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0)
    ::fcntl(ends[1], F_SETPIPE_SZ, pages * kPage);
  return {ends[0], ends[1]};
}

void close_end(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

class Input {
 public:
  Input() {
    const Ends pipe = make(2);
    clients_[0].writer = pipe.writer;
    clients_[1].reader = pipe.reader;
  }
  ~Input() {
    for (Ends& client : clients_) {
      close_end(&client.reader);
      close_end(&client.writer);
    }
    close_end(&session_.reader);
    close_end(&session_.writer);
  }

  void run(const Record& record) {
    Ends& client = clients_[record.client % clients_.size()];
    switch (record.op % 10) {
      case 0:
        if (client.writer >= 0)
          write_all(client.writer, size_of(record), record, is_foreign(record), is_whole(record));
        break;
      case 1:
        if (client.reader >= 0) read_all(client.reader, size_of(record), record);
        break;
      case 2:
        close_end(&client.writer);
        break;
      case 3:
        close_end(&client.reader);
        break;
      case 4:
        share(client, clients_[record.value % clients_.size()]);
        break;
      case 5:
        if (client.writer >= 0) ::fcntl(client.writer, F_SETPIPE_SZ, kPage << record.value % 5);
        break;
      default:
        run_session(record);
        break;
    }
  }

 private:
  static void share(const Ends& client, Ends& other) {
    if (other.writer < 0 && client.writer >= 0)
      other.writer = ::fcntl(client.writer, F_DUPFD_CLOEXEC, 0);
    if (other.reader < 0 && client.reader >= 0)
      other.reader = ::fcntl(client.reader, F_DUPFD_CLOEXEC, 0);
  }

  void run_session(const Record& record) {
    switch (record.op % 10) {
      case 6:
        if (session_.reader < 0) session_ = make(1);
        if (session_.writer >= 0 && unsent_ == 0) {
          const std::size_t size = kHeader + kPayloads[record.value & 0xf];
          const std::size_t done = write_all(session_.writer, size, record, false, true);
          if (done == 0) break;
          frames_[sent_++] = size;
          unsent_ = size - done;
        }
        break;
      case 7:
        if (session_.reader >= 0) receive(record);
        break;
      case 8:
        if (session_.writer >= 0 && unsent_ > 0)
          unsent_ -= write_all(session_.writer, unsent_, record, false, true);
        break;
      default:
        close_end(&session_.writer);
        break;
    }
  }

  // Reads until one message is there.
  void receive(const Record& record) {
    while (received_ == sent_ || held_ < frames_[received_]) {
      const ssize_t count = ::read(session_.reader, buffer(), kChunk);
      if (count > 0) held_ += static_cast<std::size_t>(count);
      const bool looks = count < 0 && errno == EAGAIN && waits(record);
      if (count <= 0 && (!looks || !is_ready(session_.reader, POLLIN))) return;
    }
    held_ -= frames_[received_++];
  }

  std::array<Ends, 3> clients_;
  Ends session_;
  std::array<std::size_t, pipewrench::kMostRecords> frames_{};
  std::size_t sent_ = 0, received_ = 0, unsent_ = 0, held_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pipewrench::Records records(data, size);
  Input input;
  for (std::size_t i = 0; i < records.size(); ++i) input.run(records[i]);
  return 0;
}
