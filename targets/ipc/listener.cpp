// SPDX-License-Identifier: MIT
#include "targets/ipc/listener.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "targets/ipc/crc32c.h"
#include "targets/ipc/io.h"
#include "targets/ipc/socket_address.h"
#include "targets/ipc/transfer.h"

namespace ipc {
namespace {

Result<Fd> make_socket(int type) {
  Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail("socket");
  return fd;
}

// Between bind(2) and listen(2) a living server looks like a dead one. So whoever makes or replaces
// a name holds a claim on it meanwhile: an abstract socket, which leaves nothing behind even if its
// owner is killed.
Result<Fd> claim(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return fail("stat", {}, folder);
  const std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  const SocketAddress address =
      abstract_address("pipewrench-listen/" + std::to_string(status.st_dev) + "/" +
                       std::to_string(status.st_ino) + "/" + std::to_string(crc32c(name)));
  Result<Fd> fd = make_socket(SOCK_STREAM);
  if (!fd) return fd;
  if (::bind(fd->get(), address.get(), address.size) == 0) return fd;
  return fail(errno == EADDRINUSE ? Kind::exists : kind_of(errno), errno, "bind", {}, path);
}

// Success: nothing stands under the name any more.
Result<> remove_stale(const std::string& path, const SocketAddress& address, int type) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return fail("lstat", {}, path);
  }
  if (!S_ISSOCK(status.st_mode)) return fail(Kind::wrong_type, EADDRINUSE, "bind", {}, path);
  const Result<Fd> probe = make_socket(type);
  if (!probe) return std::unexpected(probe.error());
  const int result = ::connect(probe->get(), address.get(), address.size);
  // EAGAIN: its backlog is full. EPROTOTYPE: it is of another kind. Both live.
  if (result == 0 || errno == EAGAIN || errno == EPROTOTYPE)
    return fail(Kind::exists, EADDRINUSE, "bind", {}, path);
  if (errno != ECONNREFUSED && errno != ENOENT) return fail("connect", {}, path);
  if (errno == ECONNREFUSED && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail("unlink", {}, path);
  return {};
}

Result<> bind_name(int fd, const std::string& path, const SocketAddress& address, int type) {
  if (::bind(fd, address.get(), address.size) == 0) return {};
  if (errno != EADDRINUSE) return fail("bind", {}, path);
  if (Result<> removed = remove_stale(path, address, type); !removed) return removed;
  if (::bind(fd, address.get(), address.size) == 0) return {};
  return fail(errno == EADDRINUSE ? Kind::exists : kind_of(errno), errno, "bind", {}, path);
}

}  // namespace

Listener::Listener(Fd fd, std::string path, SocketKind kind, const ListenOptions& options)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      kind_(kind),
      accepted_(options.accepted),
      maker_(::getpid()) {}

Result<Listener> Listener::listen(const std::string& path, SocketKind kind, ListenOptions options) {
  const Result<SocketAddress> address = path_address(path);
  if (!address) return std::unexpected(address.error());
  const Result<Fd> held = claim(path);
  if (!held) return std::unexpected(held.error());
  Result<Fd> fd = make_socket(type_of(kind));
  if (!fd) return std::unexpected(std::move(fd.error()));
  // The mode of the name is that of the socket's inode at bind(2): so there is no moment at which
  // others may connect.
  if (::fchmod(fd->get(), options.mode) != 0) return fail("fchmod");
  if (Result<> bound = bind_name(fd->get(), path, *address, type_of(kind)); !bound)
    return std::unexpected(std::move(bound.error()));
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    const int error_number = errno;
    ::unlink(path.c_str());  // ours: made two calls ago, under the claim
    return fail(kind_of(error_number), error_number, "lstat", {}, path);
  }
  Listener listener(std::move(*fd), path, kind, options);
  listener.device_ = status.st_dev;
  listener.inode_ = status.st_ino;
  if (::listen(listener.fd(), options.backlog) != 0) return fail("listen", {}, path);
  return listener;
}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::move(other.fd_);
  path_ = std::move(other.path_);
  kind_ = other.kind_;
  accepted_ = other.accepted_;
  maker_ = other.maker_;
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

Result<Connection> Listener::accept(Deadline deadline) {
  const IoPolicy policy{.access = Access::socket, .on_signal = accepted_.on_signal};
  const Result<std::size_t> fd = transfer("accept4", fd_.get(), 0, POLLIN, deadline, policy, [&] {
    int accepted = -1;
    // ECONNABORTED: that client has gone, the next may wait (accept(2)); each try takes one off the
    // backlog.
    do accepted = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    while (accepted < 0 && errno == ECONNABORTED);
    return accepted;
  });
  if (!fd) return std::unexpected(fd.error());
  return Connection(Fd(static_cast<int>(*fd)), kind_, accepted_);
}

// The name goes before the descriptor: while the socket is open, its inode's number cannot be given
// to another file.
void Listener::close() {
  if (!fd_) return;
  struct stat status{};
  if (::getpid() == maker_ && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_)
    ::unlink(path_.c_str());
  fd_.close();
}

}  // namespace ipc
