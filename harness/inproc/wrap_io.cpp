// Wrappers of calls on descriptors and files: pipes, FIFOs, poll and its relatives.
// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include <cstdarg>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

namespace pipewrench {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerUs = 1'000;

// The errno that this call cannot give: EAGAIN needs O_NONBLOCK, EINTR needs a call that may sleep.
int impossible_on(int fd) {
  if (!is_fault_due()) return kNone;
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0 ? EINTR : EAGAIN;
}

// EPIPE never comes alone: the kernel sends SIGPIPE to the thread first (pipe(7)).
ssize_t failed_transfer(const Fault& fault, bool raises_sigpipe) {
  if (fault.error_number == EPIPE && raises_sigpipe) ::pthread_kill(::pthread_self(), SIGPIPE);
  errno = fault.error_number;
  return -1;
}

// The engine's alarm must not show: it would hit another input next time, and these calls are never
// restarted (signal(7)).
template <class Ready>
int ask(Ready ready) {
  for (;;) {
    const unsigned before = clock_state::engine_signals();
    const int count = ready();
    if (count >= 0 || errno != EINTR || clock_state::engine_signals() == before) return count;
  }
}

// A poll that does not wait gives EINTR too, where it finds nothing ready and a signal is pending.
template <class Ready>
int impossible_in_poll(bool sleeps, Ready ready) {
  return sleeps || !is_fault_due() || ask(ready) == 0 ? kNone : EINTR;
}

bool has_mode(int open_flags) {
  return (open_flags & O_CREAT) != 0 || (open_flags & O_TMPFILE) == O_TMPFILE;
}

template <class RealCall>
int open_with(int flags, RealCall real) {
  const bool sleeps = (flags & O_NONBLOCK) == 0;
  const bool finds_no_reader = !sleeps && (flags & O_ACCMODE) == O_WRONLY;
  return with_fault(Call::open,
                    {sleeps ? kNone : EINTR, finds_no_reader ? kNone : ENXIO,
                     (flags & O_CREAT) != 0 ? ENOENT : kNone},
                    real);
}

// Under virtual time: asks without waiting, and if nothing is ready jumps to the time-out or a
// timer.
template <class Ready>
int wait_virtually(const char* call, std::int64_t timeout_ns, Ready ready) {
  const int count = ask(ready);
  if (count != 0 || timeout_ns == 0) return count;
  if (clock_state::sleep_ns(call, timeout_ns) == clock_state::Wake::timed_out) return 0;
  errno = EINTR;
  return -1;
}

}  // namespace
}  // namespace pipewrench

using namespace pipewrench;

extern "C" {

ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  if (const Fault* fault = next_fault(Call::read, {impossible_on(fd)}, &size);
      fault != nullptr && fault->effect == Effect::fail)
    return failed_transfer(*fault, false);
  return __real_read(fd, buffer, size);
}

ssize_t __wrap_write(int fd, const void* buffer, size_t size) {
  if (const Fault* fault = next_fault(Call::write, {impossible_on(fd)}, &size);
      fault != nullptr && fault->effect == Effect::fail)
    return failed_transfer(*fault, true);
  return __real_write(fd, buffer, size);
}

// Scatter/gather transfers are shortened only where they have one element.
ssize_t __wrap_readv(int fd, const iovec* elements, int count) {
  iovec first = count == 1 ? elements[0] : iovec{};
  if (const Fault* fault =
          next_fault(Call::read, {impossible_on(fd)}, count == 1 ? &first.iov_len : nullptr);
      fault != nullptr && fault->effect == Effect::fail)
    return failed_transfer(*fault, false);
  return __real_readv(fd, count == 1 ? &first : elements, count);
}

ssize_t __wrap_writev(int fd, const iovec* elements, int count) {
  iovec first = count == 1 ? elements[0] : iovec{};
  if (const Fault* fault =
          next_fault(Call::write, {impossible_on(fd)}, count == 1 ? &first.iov_len : nullptr);
      fault != nullptr && fault->effect == Effect::fail)
    return failed_transfer(*fault, true);
  return __real_writev(fd, count == 1 ? &first : elements, count);
}

int __wrap_pipe(int* fds) {
  return with_fault(Call::pipe, {}, [&] { return __real_pipe(fds); });
}

int __wrap_pipe2(int* fds, int flags) {
  return with_fault(Call::pipe, {}, [&] { return __real_pipe2(fds, flags); });
}

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_with(flags, [&] { return __real_open(path, flags, mode); });
}

// The name that open has with _FILE_OFFSET_BITS=64.
int __wrap_open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = has_mode(flags) ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open_with(flags, [&] { return __real_open64(path, flags, mode); });
}

int __wrap_stat(const char* path, struct stat* status) {
  return with_fault(Call::stat, {}, [&] { return __real_stat(path, status); });
}

int __wrap_lstat(const char* path, struct stat* status) {
  return with_fault(Call::stat, {}, [&] { return __real_lstat(path, status); });
}

int __wrap_close(int fd) {
  const Fault* fault = next_fault(Call::close);
  const int result = __real_close(fd);  // the descriptor is gone whatever the fault says (close(2))
  if (fault == nullptr || result != 0) return result;
  errno = fault->error_number;
  return -1;
}

int __wrap_mkfifo(const char* path, mode_t mode) {
  return with_fault(Call::mkfifo, {}, [&] { return __real_mkfifo(path, mode); });
}

int __wrap_unlink(const char* path) {
  return with_fault(Call::unlink, {}, [&] { return __real_unlink(path); });
}

int __wrap_poll(pollfd* fds, nfds_t count, int timeout_ms) {
  const auto ready = [&] { return __real_poll(fds, count, 0); };
  return with_fault(Call::poll, {impossible_in_poll(timeout_ms != 0, ready)}, [&] {
    if (!clock_state::is_virtual()) return __real_poll(fds, count, timeout_ms);
    return wait_virtually("poll", timeout_ms * kNsPerMs, ready);
  });
}

int __wrap_ppoll(pollfd* fds, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  const bool sleeps = timeout == nullptr || clock_state::to_ns(*timeout) > 0;
  const auto ready = [&] {
    const timespec none{};
    return __real_ppoll(fds, count, &none, mask);
  };
  return with_fault(Call::poll, {impossible_in_poll(sleeps, ready)}, [&] {
    if (!clock_state::is_virtual()) return __real_ppoll(fds, count, timeout, mask);
    return wait_virtually("ppoll", timeout == nullptr ? -1 : clock_state::to_ns(*timeout), ready);
  });
}

int __wrap_select(int count, fd_set* reads, fd_set* writes, fd_set* others, timeval* timeout) {
  const std::int64_t wait_ns =
      timeout == nullptr ? -1 : timeout->tv_sec * 1'000'000'000L + timeout->tv_usec * kNsPerUs;
  return with_fault(Call::poll, {wait_ns == 0 ? EINTR : kNone}, [&] {
    if (!clock_state::is_virtual()) return __real_select(count, reads, writes, others, timeout);
    timeval none{};
    return wait_virtually("select", wait_ns,
                          [&] { return __real_select(count, reads, writes, others, &none); });
  });
}

int __wrap_epoll_wait(int epoll, epoll_event* events, int most, int timeout_ms) {
  return with_fault(Call::poll, {timeout_ms == 0 ? EINTR : kNone}, [&] {
    if (!clock_state::is_virtual()) return __real_epoll_wait(epoll, events, most, timeout_ms);
    return wait_virtually("epoll_wait", timeout_ms * kNsPerMs,
                          [&] { return __real_epoll_wait(epoll, events, most, 0); });
  });
}

}  // extern "C"
