// Wrappers of socket calls. A shortened transfer is legal on stream sockets only.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "harness/inproc/wrap.h"

namespace pipewrench {
namespace {

bool is_stream(int fd) {
  if (!is_fault_due()) return false;
  int type = 0;
  socklen_t size = sizeof type;
  return __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int impossible_on(int fd, int flags) {
  if (!is_fault_due()) return kNone;
  const bool sleeps = (flags & MSG_DONTWAIT) == 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
  return sleeps ? EAGAIN : EINTR;
}

// True: *result holds the failure to return. A shortened size is stored where the transfer can be
// short.
bool play(Call call, int fd, int flags, size_t* size, ssize_t* result) {
  const Fault* fault = next_fault(call, {impossible_on(fd, flags)}, is_stream(fd) ? size : nullptr);
  if (fault == nullptr || fault->effect == Effect::shorten) return false;
  // EPIPE comes with SIGPIPE unless the call says MSG_NOSIGNAL (send(2)).
  if (fault->error_number == EPIPE && (flags & MSG_NOSIGNAL) == 0)
    ::pthread_kill(::pthread_self(), SIGPIPE);
  errno = fault->error_number;
  *result = -1;
  return true;
}

}  // namespace
}  // namespace pipewrench

using namespace pipewrench;

extern "C" {

int __wrap_socket(int domain, int type, int protocol) {
  return with_fault(Call::socket, {}, [&] { return __real_socket(domain, type, protocol); });
}

int __wrap_socketpair(int domain, int type, int protocol, int* fds) {
  return with_fault(Call::socket, {},
                    [&] { return __real_socketpair(domain, type, protocol, fds); });
}

int __wrap_bind(int fd, const sockaddr* address, socklen_t size) {
  return with_fault(Call::bind, {}, [&] { return __real_bind(fd, address, size); });
}

int __wrap_listen(int fd, int backlog) {
  return with_fault(Call::listen, {}, [&] { return __real_listen(fd, backlog); });
}

int __wrap_accept(int fd, sockaddr* address, socklen_t* size) {
  return with_fault(Call::accept, {impossible_on(fd, 0)},
                    [&] { return __real_accept(fd, address, size); });
}

int __wrap_accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return with_fault(Call::accept, {impossible_on(fd, 0)},
                    [&] { return __real_accept4(fd, address, size, flags); });
}

int __wrap_connect(int fd, const sockaddr* address, socklen_t size) {
  return with_fault(Call::connect, {impossible_on(fd, 0)},
                    [&] { return __real_connect(fd, address, size); });
}

ssize_t __wrap_send(int fd, const void* buffer, size_t size, int flags) {
  ssize_t result = 0;
  return play(Call::send, fd, flags, &size, &result) ? result
                                                     : __real_send(fd, buffer, size, flags);
}

ssize_t __wrap_recv(int fd, void* buffer, size_t size, int flags) {
  ssize_t result = 0;
  return play(Call::recv, fd, flags, &size, &result) ? result
                                                     : __real_recv(fd, buffer, size, flags);
}

ssize_t __wrap_sendto(int fd, const void* buffer, size_t size, int flags, const sockaddr* address,
                      socklen_t address_size) {
  ssize_t result = 0;
  return play(Call::send, fd, flags, &size, &result)
             ? result
             : __real_sendto(fd, buffer, size, flags, address, address_size);
}

ssize_t __wrap_recvfrom(int fd, void* buffer, size_t size, int flags, sockaddr* address,
                        socklen_t* address_size) {
  ssize_t result = 0;
  return play(Call::recv, fd, flags, &size, &result)
             ? result
             : __real_recvfrom(fd, buffer, size, flags, address, address_size);
}

// Scatter/gather transfers are shortened in their first element, and only where it is the only one.
ssize_t __wrap_sendmsg(int fd, const msghdr* message, int flags) {
  msghdr copy = *message;
  iovec first = copy.msg_iovlen == 1 ? copy.msg_iov[0] : iovec{};
  ssize_t result = 0;
  if (play(Call::send, fd, flags, copy.msg_iovlen == 1 ? &first.iov_len : nullptr, &result))
    return result;
  if (copy.msg_iovlen == 1) copy.msg_iov = &first;
  return __real_sendmsg(fd, &copy, flags);
}

ssize_t __wrap_recvmsg(int fd, msghdr* message, int flags) {
  iovec* const elements = message->msg_iov;
  iovec first = message->msg_iovlen == 1 ? elements[0] : iovec{};
  ssize_t result = 0;
  if (play(Call::recv, fd, flags, message->msg_iovlen == 1 ? &first.iov_len : nullptr, &result))
    return result;
  if (message->msg_iovlen == 1) message->msg_iov = &first;
  result = __real_recvmsg(fd, message, flags);
  message->msg_iov = elements;
  return result;
}

int __wrap_getsockopt(int fd, int level, int option, void* value, socklen_t* size) {
  return with_fault(Call::getsockopt, {},
                    [&] { return __real_getsockopt(fd, level, option, value, size); });
}

}  // extern "C"
