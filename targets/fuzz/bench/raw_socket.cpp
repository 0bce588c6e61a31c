// The calls of fuzz_socket by hand: the same records, no library, no model, no comparison, no
// guard.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "harness/inproc/records.h"

namespace {

using pipewrench::Record;

constexpr std::array<std::size_t, 16> kSizes = {1, 0, 2, 24, 300, 2000, 6000, 6001,
                                                1, 0, 2, 24, 300, 3,    100,  24};
constexpr std::size_t kHeader = 24, kLimit = 6000;
constexpr std::size_t kChunk = 8192;
constexpr std::size_t kMostFds = 16;  // that one message of the library can carry

// One for all inputs: large, and what is in it does not matter.
char* buffer() {
  static std::array<char, kChunk> bytes;
  return bytes.data();
}

bool waits(const Record& record) { return (record.flags & 1) != 0; }

// Time stands still in the target: who waits looks once.
bool is_ready(int fd, short events, const Record& record) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return errno == EAGAIN && waits(record) && ::poll(&entry, 1, 0) > 0;
}

// What one end has sent, by the sizes of its messages.
struct Way {
  std::array<std::size_t, pipewrench::kMostRecords> frames{};
  std::size_t sent = 0, received = 0, unsent = 0, held = 0;
};

struct Pair {
  std::array<int, 2> fds{-1, -1};
  std::array<Way, 2> ways{};
  bool is_stream = true;

  bool is_open() const { return fds[0] >= 0 || fds[1] >= 0; }
  void close() {
    for (int& fd : fds) {
      if (fd >= 0) ::close(fd);
      fd = -1;
    }
  }
  void make(bool stream) {
    *this = {.is_stream = stream};
    ::socketpair(AF_UNIX, (stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_CLOEXEC, 0, fds.data());
    constexpr int kSmallest = 1;
    for (const int fd : fds)
      if (stream) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSmallest, sizeof kSmallest);
  }
};

ssize_t send_first(int fd, std::size_t size, std::size_t count) {
  static constexpr std::array<int, 3> kFds = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof kFds)> control{};
  iovec part{.iov_base = buffer(), .iov_len = size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (count > 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(header), kFds.data(), count * sizeof(int));
  }
  return ::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void flush(int fd, Way* way, const Record& record) {
  while (way->unsent > 0) {
    const ssize_t count = ::send(fd, buffer(), way->unsent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) way->unsent -= static_cast<std::size_t>(count);
    if (count < 0 && errno == EPIPE) way->unsent = 0;
    if (count < 0 && !is_ready(fd, POLLOUT, record)) return;
  }
}

void send(int fd, Way* way, const Record& record) {
  const std::size_t size = kSizes[record.value & 0xf];
  if (way->unsent > 0 || size > kLimit) return;
  const std::size_t frame = kHeader + size;
  ssize_t count = send_first(fd, frame, record.value >> 6 & 3);
  if (count < 0 && is_ready(fd, POLLOUT, record))
    count = send_first(fd, frame, record.value >> 6 & 3);
  if (count < 0) return;
  way->frames[way->sent++] = frame;
  way->unsent = frame - static_cast<std::size_t>(count);
  flush(fd, way, record);
}

// Bytes that came; the descriptors with them are closed.
ssize_t receive_once(int fd, std::size_t size) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostFds)> control{};
  iovec part{.iov_base = buffer(), .iov_len = size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) return count;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    std::array<int, kMostFds> numbers{};
    const std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    std::memcpy(numbers.data(), CMSG_DATA(header), bytes);
    for (std::size_t i = 0; i < bytes / sizeof(int); ++i) ::close(numbers[i]);
  }
  return count;
}

void receive(int fd, Way* way, bool is_stream, const Record& record) {
  while (!is_stream || way->received == way->sent || way->held < way->frames[way->received]) {
    const ssize_t count = receive_once(fd, is_stream ? kChunk : kHeader + kLimit);
    if (count > 0) way->held += static_cast<std::size_t>(count);
    if (count > 0 && is_stream) continue;
    if (count >= 0 || !is_ready(fd, POLLIN, record)) return;
  }
  way->held -= way->frames[way->received++];
}

void run(Pair* pair, std::size_t self, const Record& record) {
  const int fd = pair->fds[self];
  if (fd < 0) return;
  switch (record.op % 8) {
    case 0:
    case 2:
      return send(fd, &pair->ways[self], record);
    case 1:
    case 3:
      return receive(fd, &pair->ways[self ^ 1], pair->is_stream, record);
    case 4:
      return flush(fd, &pair->ways[self], record);
    case 5:
      if (pair->ways[self].unsent == 0) ::send(fd, "junk", 4, MSG_DONTWAIT | MSG_NOSIGNAL);
      return;
    case 6:
      ::shutdown(fd, SHUT_WR);
      return;
    default:
      ::close(fd);
      pair->fds[self] = -1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pipewrench::Records records(data, size);
  std::array<Pair, 2> pairs{};
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record record = records[i];
    const bool is_packet = (record.flags & 2) != 0;
    Pair& pair = pairs[is_packet];
    if (!pair.is_open()) pair.make(!is_packet);
    run(&pair, record.client & 1, record);
  }
  for (Pair& pair : pairs) pair.close();
  return 0;
}
