// SPDX-License-Identifier: MIT
#include "targets/ipc/io.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "targets/ipc/sigpipe.h"
#include "targets/ipc/transfer.h"

namespace ipc {
Failure expired(const Deadline& deadline, const char* call, int fd) {
  const Kind kind = deadline.is_now() ? Kind::would_block : Kind::timed_out;
  return fail(kind, deadline.is_now() ? EAGAIN : ETIMEDOUT, call, {{{"fd", fd}}});
}

Result<> wait_ready(int fd, short events, Deadline deadline, OnSignal on_signal) {
  while (true) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int count = ::poll(&entry, 1, deadline.poll_timeout_ms());
    if (count > 0 && (entry.revents & POLLNVAL) != 0)
      return fail(Kind::bad_argument, EBADF, "poll", {{{"fd", fd}}});
    if (count > 0) return {};
    // poll() is never restarted, whatever SA_RESTART says (signal(7)).
    if (count < 0 && (errno != EINTR || on_signal == OnSignal::report))
      return fail("poll", {{{"fd", fd}}});
    if (deadline.expired()) return expired(deadline, "poll", fd);
  }
}

Result<std::size_t> read_some(int fd, std::span<char> buffer, Deadline deadline, IoPolicy policy) {
  if (buffer.empty()) return 0;
  if (policy.access == Access::socket)
    return transfer("recv", fd, buffer.size(), POLLIN, deadline, policy,
                    [&] { return ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT); });
  return transfer("read", fd, buffer.size(), POLLIN, deadline, policy,
                  [&] { return ::read(fd, buffer.data(), buffer.size()); });
}

Transfer read_exact(int fd, std::span<char> buffer, Deadline deadline, IoPolicy policy) {
  Transfer done;
  while (done.bytes < buffer.size()) {
    Result<std::size_t> part = read_some(fd, buffer.subspan(done.bytes), deadline, policy);
    if (!part) return {Transfer::End::failed, done.bytes, std::move(part.error())};
    if (*part == 0) {
      done.end = done.bytes == 0 ? Transfer::End::eof : Transfer::End::eof_inside;
      return done;
    }
    done.bytes += *part;
  }
  return done;
}

Result<std::size_t> write_some(int fd, std::string_view bytes, Deadline deadline, IoPolicy policy) {
  if (bytes.empty()) return 0;
  if (policy.access == Access::socket)
    return transfer("send", fd, bytes.size(), POLLOUT, deadline, policy, [&] {
      return ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  // POLLOUT on a pipe promises room for PIPE_BUF bytes and no more: a larger blocking write may
  // sleep (poll(2)).
  const std::size_t most = policy.access == Access::foreign ? PIPE_BUF : bytes.size();
  const std::size_t size = std::min(bytes.size(), most);
  SigpipeBlock block;
  return transfer("write", fd, size, POLLOUT, deadline, policy, [&] {
    const ssize_t count = ::write(fd, bytes.data(), size);
    if (count < 0 && errno == EPIPE) block.consume();
    return count;
  });
}

Transfer write_all(int fd, std::string_view bytes, Deadline deadline, IoPolicy policy) {
  Transfer done;
  while (done.bytes < bytes.size()) {
    Result<std::size_t> part = write_some(fd, bytes.substr(done.bytes), deadline, policy);
    if (!part) return {Transfer::End::failed, done.bytes, std::move(part.error())};
    done.bytes += *part;
  }
  return done;
}

}  // namespace ipc
