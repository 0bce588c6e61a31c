// SPDX-License-Identifier: MIT
#include "targets/ipc/socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "targets/ipc/io.h"
#include "targets/ipc/socket_address.h"
#include "targets/ipc/transfer.h"

namespace ipc {
namespace {

constexpr std::size_t kChunk = 8192;

IoPolicy policy_of(const SocketOptions& options) {
  return {.access = Access::socket, .on_signal = options.on_signal};
}

// Room for the descriptors of one message in msghdr::msg_control.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxFds)> bytes{};
};

// connect(2) on a Unix socket waits for room in the backlog and cannot be polled for; SO_SNDTIMEO
// bounds that wait (socket(7)). A time-out of zero would mean none.
Result<> limit_connect(int fd, const Deadline& deadline) {
  if (deadline.is_now() || deadline.is_never()) return {};
  const timespec left = deadline.remaining();
  if (left.tv_sec == 0 && left.tv_nsec == 0) return expired(deadline, "connect", fd);
  const timeval limit{.tv_sec = left.tv_sec, .tv_usec = std::max(left.tv_nsec / 1000, 1L)};
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
    return fail("setsockopt");
  return {};
}

// connect(2) says ECONNREFUSED also for a file that is no socket.
Failure connect_failure(int error_number, const std::string& path) {
  struct stat status{};
  const bool is_other =
      ::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode) && !S_ISLNK(status.st_mode);
  if (error_number == EPROTOTYPE || (error_number == ECONNREFUSED && is_other))
    return fail(Kind::wrong_type, error_number, "connect", {}, path);
  return fail(kind_of(error_number), error_number, "connect", {}, path);
}

}  // namespace

Connection::Connection(Fd fd, SocketKind kind, SocketOptions options)
    : fd_(std::move(fd)), kind_(kind), options_(options), decoder_(options.max_payload) {}

Result<Connection> Connection::connect(const std::string& path, SocketKind kind, Deadline deadline,
                                       SocketOptions options) {
  const Result<SocketAddress> address = path_address(path);
  if (!address) return std::unexpected(address.error());
  const int blocking = deadline.is_now() ? SOCK_NONBLOCK : 0;
  Fd fd(::socket(AF_UNIX, type_of(kind) | SOCK_CLOEXEC | blocking, 0));
  if (!fd) return fail("socket");
  while (true) {
    if (Result<> limited = limit_connect(fd.get(), deadline); !limited)
      return std::unexpected(std::move(limited.error()));
    if (::connect(fd.get(), address->get(), address->size) == 0)
      return Connection(std::move(fd), kind, options);
    if (errno == EAGAIN) return expired(deadline, "connect", fd.get());
    // Interrupted, a Unix socket is as before: unlike with TCP nothing goes on in the background.
    if (errno != EINTR || options.on_signal == OnSignal::report)
      return connect_failure(errno, path);
  }
}

Result<std::pair<Connection, Connection>> Connection::pair(SocketKind kind, SocketOptions options) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, type_of(kind) | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return fail("socketpair");
  return std::pair(Connection(Fd(fds[0]), kind, options), Connection(Fd(fds[1]), kind, options));
}

Result<> Connection::send(const Message& message, Deadline deadline, std::span<const int> fds) {
  if (unsent() > 0)
    return fail(Kind::bad_argument, 0, "send", {{{"unsent", static_cast<long>(unsent())}}},
                "flush() the message before first");
  if (fds.size() > kMaxFds)
    return fail(Kind::bad_argument, 0, "send", {{{"fds", static_cast<long>(fds.size())}}});
  Result<std::string> frame = encode(message, options_.max_payload);
  if (!frame) return std::unexpected(std::move(frame.error()));
  frame_ = std::move(*frame);
  written_ = 0;
  // The first bytes carry the descriptors; whatever follows must not carry them again.
  Result<std::size_t> first = send_first(fds, deadline);
  if (!first) {
    frame_.clear();
    return std::unexpected(std::move(first.error()));
  }
  written_ = *first;
  return flush(deadline);
}

Result<std::size_t> Connection::send_first(std::span<const int> fds, const Deadline& deadline) {
  iovec part{.iov_base = frame_.data(), .iov_len = frame_.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Control control;
  if (!fds.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  return transfer("sendmsg", fd_.get(), frame_.size(), POLLOUT, deadline, policy_of(options_),
                  [&] { return ::sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
}

Result<> Connection::flush(Deadline deadline) {
  const std::string_view rest = std::string_view(frame_).substr(written_);
  Transfer done = write_all(fd_.get(), rest, deadline, policy_of(options_));
  written_ += done.bytes;
  if (done.complete()) return {};
  if (done.error.kind == Kind::peer_gone) written_ = frame_.size();  // nobody can read the rest
  return std::unexpected(std::move(done.error));
}

Result<std::optional<Received>> Connection::receive(Deadline deadline, std::size_t max_fds) {
  return kind_ == SocketKind::stream ? receive_frame(deadline, max_fds)
                                     : receive_packet(deadline, max_fds);
}

void Connection::adopt(std::span<const int> numbers) {
  for (const int number : numbers) {
    Fd fd(number);
    if (newest_.fds.size() < kMaxFds)
      newest_.fds.push_back(std::move(fd));
    else
      newest_.are_lost = true;
  }
}

Result<std::size_t> Connection::receive_bytes(std::span<char> buffer, const Deadline& deadline) {
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  Control control;
  msghdr message{};
  Result<std::size_t> count =
      transfer("recvmsg", fd_.get(), buffer.size(), POLLIN, deadline, policy_of(options_), [&] {
        message = {};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes.data();
        message.msg_controllen = control.bytes.size();
        return ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      });
  if (!count) return count;
  was_cut_ = (message.msg_flags & MSG_TRUNC) != 0;
  newest_.are_lost = newest_.are_lost || (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kMaxFds> numbers{};
    const std::size_t bytes = std::min(header->cmsg_len - CMSG_LEN(0), sizeof numbers);
    std::memcpy(numbers.data(), CMSG_DATA(header), bytes);
    adopt(std::span(numbers).first(bytes / sizeof(int)));
  }
  return count;
}

void Connection::forget_fds() {
  begun_ = {};
  newest_ = {};
}

// The descriptors of a message are those that came with its bytes. The kernel ends a read behind
// the piece that carried descriptors, so they belong to the message that has the last byte read.
Result<std::optional<Received>> Connection::deliver(Message message, std::size_t max_fds) {
  Arrived arrived = std::exchange(begun_, {});
  if (rest_size_ == 0) {
    for (Fd& fd : newest_.fds) arrived.fds.push_back(std::move(fd));
    arrived.are_lost = arrived.are_lost || newest_.are_lost;
    newest_ = {};
  }
  if (arrived.are_lost)
    return fail(Kind::truncated, 0, "recvmsg", {{{"fd", fd_.get()}}}, "descriptors");
  if (arrived.fds.size() > max_fds) arrived.fds.resize(max_fds);
  return Received{.message = std::move(message), .fds = std::move(arrived.fds)};
}

Result<std::optional<Received>> Connection::receive_packet(const Deadline& deadline,
                                                           std::size_t max_fds) {
  if (chunk_.empty()) chunk_.resize(kFrameHeader + std::min(options_.max_payload, kMaxPayload));
  const Result<std::size_t> count = receive_bytes(chunk_, deadline);
  if (!count) return std::unexpected(count.error());
  // A packet of no bytes cannot be told from the end; send() makes none.
  if (*count == 0) return forget_fds(), std::nullopt;
  FrameDecoder decoder(options_.max_payload);
  std::string_view packet(chunk_.data(), *count);
  Result<std::optional<Message>> message = decoder.next(packet);
  if (was_cut_ && (!message || !message->has_value()))
    message = fail(Kind::too_big, 0, "recvmsg", {{{"limit", static_cast<long>(chunk_.size())}}});
  else if (message && (!message->has_value() || !packet.empty() || was_cut_))
    message = fail(Kind::corrupt, 0, "recvmsg", {{{"size", static_cast<long>(*count)}}},
                   "not one frame in one packet");
  if (!message) {
    forget_fds();
    return std::unexpected(message.error());
  }
  return deliver(std::move(**message), max_fds);
}

Result<std::optional<Received>> Connection::receive_frame(const Deadline& deadline,
                                                          std::size_t max_fds) {
  if (chunk_.empty()) chunk_.resize(kChunk);
  while (true) {
    std::string_view rest(chunk_.data() + rest_at_, rest_size_);
    Result<std::optional<Message>> message = decoder_.next(rest);
    rest_at_ += rest_size_ - rest.size();
    rest_size_ = rest.size();
    if (!message) return forget_fds(), std::unexpected(message.error());
    if (message->has_value()) return deliver(std::move(**message), max_fds);
    if (begun_.fds.empty() && !begun_.are_lost) begun_ = std::exchange(newest_, {});
    const Result<std::size_t> count = receive_bytes(chunk_, deadline);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) {
      forget_fds();
      if (Result<> clean = decoder_.finish(); !clean) return std::unexpected(clean.error());
      return std::nullopt;
    }
    rest_at_ = 0;
    rest_size_ = *count;
  }
}

Result<Credentials> Connection::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail("getsockopt", {{{"fd", fd_.get()}}});
  return Credentials{.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

Result<> Connection::end_sending() {
  if (::shutdown(fd_.get(), SHUT_WR) != 0) return fail("shutdown", {{{"fd", fd_.get()}}});
  return {};
}

}  // namespace ipc
