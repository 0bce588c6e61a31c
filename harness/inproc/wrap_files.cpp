// Wrappers of calls on names and of what watches them: what FIFOs and socket files need.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

extern "C" {
int __real_chmod(const char*, mode_t);
ssize_t __real_tee(int, int, size_t, unsigned);
int __real_inotify_init1(int);
int __real_inotify_add_watch(int, const char*, uint32_t);
}

using namespace pipewrench;

namespace {

bool is_empty(int pipe) {
  int unread = 0;
  return is_fault_due() && ::ioctl(pipe, FIONREAD, &unread) == 0 && unread == 0;
}

}  // namespace

extern "C" {

int __wrap_chmod(const char* path, mode_t mode) {
  return with_fault(Call::chmod, {}, [&] { return __real_chmod(path, mode); });
}

ssize_t __wrap_tee(int in, int out, size_t size, unsigned flags) {
  return with_fault(Call::tee, {is_empty(in) ? kNone : EINTR},
                    [&] { return __real_tee(in, out, size, flags); });
}

// Under virtual time nobody else can act while this thread sleeps, so a watch stays silent: an
// eventfd that is never written stands in for it. Closing a real watch costs a millisecond.
int __wrap_inotify_init1(int flags) {
  static_assert(int{IN_CLOEXEC} == EFD_CLOEXEC && int{IN_NONBLOCK} == EFD_NONBLOCK);
  return with_fault(Call::inotify, {}, [&] {
    return clock_state::is_virtual() ? ::eventfd(0, flags) : __real_inotify_init1(flags);
  });
}

int __wrap_inotify_add_watch(int fd, const char* path, uint32_t mask) {
  return with_fault(Call::inotify_add_watch, {}, [&] {
    return clock_state::is_virtual() ? 1 : __real_inotify_add_watch(fd, path, mask);
  });
}

}  // extern "C"
