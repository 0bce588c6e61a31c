// The one table of what the harness knows of each system call: a call is one row. Must not make any
// call.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace pipewrench {

enum class Call : std::uint8_t {
  read,
  write,
  pipe,
  open,
  close,
  mkfifo,
  unlink,
  stat,
  poll,
  msgget,
  msgsnd,
  msgrcv,
  msgctl,
  shmget,
  shmat,
  shmdt,
  shmctl,
  semget,
  semop,
  semctl,
  kill,
  pidfd_open,
  pidfd_send_signal,
  sigtimedwait,
  signalfd,
  socket,
  bind,
  listen,
  accept,
  connect,
  send,
  recv,
  getsockopt,
  clock_gettime,
  nanosleep,
  timer,
  chmod,
  tee,
  inotify,
  inotify_add_watch,
  // From here on only the conductor sees them; fuzz targets have no wrapper for these.
  fork,
  execve,
  exit,
  wait,
  futex,
  sigaction,  // of a handler, after its task has begun
  pause,
  sigsuspend,
  select,
  epoll_wait,
  sched_yield,
  getrandom,
  splice,
  sendfile,
  socketpair,
  shutdown,
  alarm,
  timerfd_settime,
  eventfd,
  rename,
  link,
  mkdir,
  rmdir,
  fcntl,  // F_SETLKW and F_OFD_SETLKW only
  flock,
  mq_open,
  mq_unlink,
  mq_send,
  mq_receive,
  mq_notify,
  count_,
};

// The lowest level at which a fault may be played (design: realism).
enum class Realism : std::uint8_t {
  linux_,   // this kernel does it to this process in some state
  posix,    // any conforming system may
  hostile,  // the man page lists it
};

enum class Effect : std::uint8_t {
  fail,     // the call does nothing and returns -1 with error_number
  shorten,  // a transfer moves fewer bytes than asked, at least one
};

struct Fault {
  Effect effect;
  int error_number;  // errno of Effect::fail; 0 otherwise
  Realism realism;
  const char* when;  // what makes the kernel do this
};

struct Row {
  Call call;
  const char* name;
  // Those of hostile.cpp come after them. The first fault is permanent wherever Linux has a
  // permanent one: repeating the call would not help, so a choice of "the first" ends retry loops.
  std::span<const Fault> faults;
};

const Row& row(Call call);
std::span<const Row> rows();
// Errors that the man page lists besides: hostile.cpp.
std::span<const Fault> hostile_faults(Call call);
// Faults up to a level in the table's order, the n-th from 0; null: there are no more.
const Fault* nth_fault(Call call, Realism level, unsigned n);
unsigned count_faults(Call call, Realism level);
// True for faults that a caller may answer by calling again: EINTR, EAGAIN, a short transfer.
// EAGAIN of sigtimedwait is its time-out and of timer_create a limit: those two are not.
bool is_transient(Call call, const Fault& fault);

}  // namespace pipewrench
