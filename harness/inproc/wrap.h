// The real functions behind the wrappers (ld --wrap: a call of read goes to __wrap_read,
// __real_read is libc's). The build reads the wrapped names from the __wrap_ definitions in
// wrap_*.cpp: a new wrapper needs no list.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <ctime>

#include "harness/inproc/faults.h"

extern "C" {
ssize_t __real_read(int, void*, size_t);
ssize_t __real_write(int, const void*, size_t);
int __real_pipe(int*);
int __real_pipe2(int*, int);
ssize_t __real_readv(int, const iovec*, int);
ssize_t __real_writev(int, const iovec*, int);
int __real_open(const char*, int, ...);
int __real_open64(const char*, int, ...);
int __real_stat(const char*, struct stat*);
int __real_lstat(const char*, struct stat*);
int __real_close(int);
int __real_mkfifo(const char*, mode_t);
int __real_unlink(const char*);
int __real_poll(pollfd*, nfds_t, int);
int __real_ppoll(pollfd*, nfds_t, const timespec*, const sigset_t*);
int __real_select(int, fd_set*, fd_set*, fd_set*, timeval*);
int __real_epoll_wait(int, epoll_event*, int, int);

int __real_msgget(key_t, int);
int __real_msgsnd(int, const void*, size_t, int);
ssize_t __real_msgrcv(int, void*, size_t, long, int);
int __real_msgctl(int, int, struct msqid_ds*);
int __real_shmget(key_t, size_t, int);
void* __real_shmat(int, const void*, int);
int __real_shmctl(int, int, struct shmid_ds*);
int __real_semget(key_t, int, int);
int __real_semop(int, sembuf*, size_t);
int __real_semtimedop(int, sembuf*, size_t, const timespec*);
int __real_semctl(int, int, int, ...);

int __real_kill(pid_t, int);
int __real_sigaction(int, const struct sigaction*, struct sigaction*);
int __real_pidfd_open(pid_t, unsigned);
int __real_pidfd_send_signal(int, int, siginfo_t*, unsigned);
int __real_sigtimedwait(const sigset_t*, siginfo_t*, const timespec*);
int __real_signalfd(int, const sigset_t*, int);

int __real_socket(int, int, int);
int __real_socketpair(int, int, int, int*);
int __real_bind(int, const sockaddr*, socklen_t);
int __real_listen(int, int);
int __real_accept(int, sockaddr*, socklen_t*);
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_connect(int, const sockaddr*, socklen_t);
ssize_t __real_send(int, const void*, size_t, int);
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_sendto(int, const void*, size_t, int, const sockaddr*, socklen_t);
ssize_t __real_recvfrom(int, void*, size_t, int, sockaddr*, socklen_t*);
ssize_t __real_sendmsg(int, const msghdr*, int);
ssize_t __real_recvmsg(int, msghdr*, int);
int __real_getsockopt(int, int, int, void*, socklen_t*);

int __real_gettimeofday(timeval*, void*);
time_t __real_time(time_t*);
int __real_nanosleep(const timespec*, timespec*);
int __real_clock_nanosleep(clockid_t, int, const timespec*, timespec*);
unsigned __real_sleep(unsigned);
int __real_usleep(useconds_t);
int __real_timer_create(clockid_t, sigevent*, timer_t*);
int __real_timer_settime(timer_t, int, const itimerspec*, itimerspec*);
int __real_timer_delete(timer_t);
long __real_syscall(long, ...);
}

namespace pipewrench {

// In a list of impossible errnos: nothing. No fault fails with it.
inline constexpr int kNone = 0;

// Plays the input's fault, if any, else makes the real call. A fault sets errno and gives `failed`.
template <class RealCall>
auto with_fault(Call call, std::initializer_list<int> impossible, RealCall real)
    -> decltype(real()) {
  if (const Fault* fault = next_fault(call, impossible); fault != nullptr) {
    errno = fault->error_number;
    return static_cast<decltype(real())>(-1);
  }
  return real();
}

}  // namespace pipewrench
