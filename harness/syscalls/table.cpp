// SPDX-License-Identifier: MIT
#include "harness/syscalls/table.h"

#include <array>
#include <cerrno>

namespace pipewrench {
namespace {

using enum Realism;

constexpr Fault fails(int error_number, Realism realism, const char* when) {
  return {Effect::fail, error_number, realism, when};
}
constexpr Fault shortens(Realism realism, const char* when) {
  return {Effect::shorten, 0, realism, when};
}

// Sources: the man page of each call, signal(7), pipe(7), fifo(7), and runs of each on Linux 6.18.
constexpr Fault kRead[] = {
    fails(EIO, posix, "low-level I/O error"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    shortens(linux_, "fewer bytes are there: pipes never wait for the rest"),
    fails(EAGAIN, linux_, "O_NONBLOCK and empty"),
};
constexpr Fault kWrite[] = {
    fails(EPIPE, linux_, "the last reader is gone; SIGPIPE comes with it"),
    fails(EINTR, linux_, "blocked with nothing written, and a handler without SA_RESTART runs"),
    shortens(linux_, "blocked after some bytes, then any handler or SIGSTOP and SIGCONT"),
    fails(EAGAIN, linux_, "O_NONBLOCK and no room"),
    fails(ENOSPC, posix, "no space on the device"),
};
constexpr Fault kPipe[] = {
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(ENFILE, linux_, "file table full, or the user is over pipe-user-pages-hard"),
};
constexpr Fault kOpen[] = {
    fails(EACCES, linux_, "permission bits of the file or of a directory of the path"),
    fails(EINTR, linux_, "blocked on a FIFO, and a handler without SA_RESTART runs"),
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(ENXIO, linux_, "FIFO, O_WRONLY|O_NONBLOCK and no reader"),
    fails(ENOENT, linux_, "unlinked by another process in between"),
};
constexpr Fault kClose[] = {
    fails(EIO, posix, "an earlier write failed; the descriptor is gone all the same"),
    fails(EINTR, posix, "a handler ran; on Linux the descriptor is gone all the same"),
};
constexpr Fault kMkfifo[] = {
    fails(EACCES, linux_, "the directory is not writable"),
    fails(EEXIST, linux_, "somebody else made the name first"),
    fails(ENOSPC, linux_, "no space for the directory entry"),
    fails(EROFS, linux_, "read-only file system"),
};
constexpr Fault kUnlink[] = {
    fails(EACCES, linux_, "the directory is not writable"),
    fails(ENOENT, linux_, "somebody else removed it first"),
};
constexpr Fault kStat[] = {
    fails(EACCES, linux_, "search permission on the path is missing"),
    fails(ENOENT, linux_, "removed by another process in between"),
};
constexpr Fault kPoll[] = {
    fails(ENOMEM, linux_, "no kernel memory for the table"),
    fails(EINTR, linux_,
          "nothing ready and any handler runs, also with SA_RESTART or a time-out of 0"),
};
constexpr Fault kMsgget[] = {
    fails(ENOSPC, linux_, "MSGMNI queues exist"),
    fails(EACCES, linux_, "the mode denies what the flags ask for"),
    fails(EEXIST, linux_, "IPC_CREAT|IPC_EXCL and somebody was first"),
    fails(ENOENT, linux_, "removed by another process in between"),
};
constexpr Fault kMsgsnd[] = {
    fails(EIDRM, linux_, "removed while the caller slept"),
    fails(EINVAL, linux_, "removed before the call"),
    fails(EINTR, linux_, "blocked, and any handler runs: never restarted"),
    fails(EAGAIN, linux_, "IPC_NOWAIT and the queue is full"),
    fails(ENOMEM, linux_, "no kernel memory for the copy"),
    fails(EACCES, linux_, "no write permission"),
};
constexpr Fault kMsgrcv[] = {
    fails(EIDRM, linux_, "removed while the caller slept"),
    fails(EINVAL, linux_, "removed before the call"),
    fails(EINTR, linux_, "blocked, and any handler runs: never restarted"),
    fails(ENOMSG, linux_, "IPC_NOWAIT and no message of that type"),
    fails(EACCES, linux_, "no read permission"),
};
constexpr Fault kMsgctl[] = {
    fails(EINVAL, linux_, "removed before the call"),
    fails(EPERM, linux_, "neither owner nor creator"),
    fails(EIDRM, linux_, "removed in between"),
    fails(EACCES, linux_, "IPC_STAT without read permission"),
};
constexpr Fault kShmget[] = {
    fails(ENOSPC, linux_, "SHMMNI segments or SHMALL pages exist"),
    fails(EINVAL, linux_, "it exists and is smaller than asked for"),
    fails(EACCES, linux_, "the mode denies what the flags ask for"),
    fails(EEXIST, linux_, "IPC_CREAT|IPC_EXCL and somebody was first"),
    fails(ENOENT, linux_, "removed by another process in between"),
    fails(ENOMEM, linux_, "no memory for the kernel's tables"),
};
constexpr Fault kShmat[] = {
    fails(EINVAL, linux_, "removed before the call"),
    fails(EIDRM, linux_, "removed in between"),
    fails(ENOMEM, linux_, "no address space or no kernel memory"),
    fails(EACCES, linux_, "the mode denies it"),
};
constexpr Fault kShmdt[] = {fails(EINVAL, linux_, "no segment is attached there")};
constexpr Fault kShmctl[] = {
    fails(EINVAL, linux_, "removed before the call"),
    fails(EPERM, linux_, "neither owner nor creator"),
    fails(EIDRM, linux_, "removed in between"),
    fails(EACCES, linux_, "IPC_STAT without read permission"),
};
constexpr Fault kSemget[] = {
    fails(ENOSPC, linux_, "SEMMNI sets or SEMMNS semaphores exist"),
    fails(EACCES, linux_, "the mode denies what the flags ask for"),
    fails(EEXIST, linux_, "IPC_CREAT|IPC_EXCL and somebody was first"),
    fails(ENOENT, linux_, "removed by another process in between"),
};
constexpr Fault kSemop[] = {
    fails(EIDRM, linux_, "removed while the caller slept"),
    fails(EINVAL, linux_, "removed before the call"),
    fails(EINTR, linux_, "blocked: any handler, and SIGSTOP with SIGCONT without one"),
    fails(EAGAIN, linux_, "IPC_NOWAIT or the time-out, and the value does not allow it"),
    fails(ENOSPC, linux_, "the limit of undo structures is reached"),
};
constexpr Fault kSemctl[] = {
    fails(EINVAL, linux_, "removed before the call"),
    fails(EPERM, linux_, "neither owner nor creator"),
    fails(EIDRM, linux_, "removed in between"),
    fails(EACCES, linux_, "no permission for this command"),
};
constexpr Fault kKill[] = {
    fails(ESRCH, linux_, "the process has been reaped"),
    fails(EPERM, linux_, "the process belongs to another user"),
};
constexpr Fault kPidfdOpen[] = {
    fails(ESRCH, linux_, "the process has been reaped"),
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
};
constexpr Fault kPidfdSendSignal[] = {
    fails(ESRCH, linux_, "the process has ended and was reaped"),
    fails(EPERM, linux_, "the process belongs to another user"),
};
constexpr Fault kSigtimedwait[] = {
    fails(EAGAIN, linux_, "the time-out passed"),
    fails(EINTR, linux_, "another signal's handler ran, or SIGSTOP and SIGCONT"),
};
constexpr Fault kSignalfd[] = {
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(ENFILE, linux_, "file table full"),
};
constexpr Fault kSocket[] = {
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(ENOBUFS, linux_, "no kernel memory"),
};
constexpr Fault kBind[] = {
    fails(EACCES, linux_, "the directory is not writable"),
    fails(EADDRINUSE, linux_, "the name exists"),
};
constexpr Fault kListen[] = {fails(EADDRINUSE, posix, "another socket listens there")};
constexpr Fault kAccept[] = {
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    fails(EAGAIN, linux_, "O_NONBLOCK and nobody waits"),
    fails(ECONNABORTED, posix, "the client gave up in between"),
};
constexpr Fault kConnect[] = {
    fails(ECONNREFUSED, linux_, "nobody listens: a stale socket file"),
    fails(EINTR, linux_, "blocked, and a handler runs"),
    fails(EAGAIN, linux_, "O_NONBLOCK and the backlog is full"),
    fails(ENOENT, linux_, "the server removed its name in between"),
};
constexpr Fault kSend[] = {
    fails(EPIPE, linux_, "the peer closed; SIGPIPE comes with it unless MSG_NOSIGNAL"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    shortens(linux_, "stream socket: a signal came after some bytes"),
    fails(EAGAIN, linux_, "O_NONBLOCK and the buffer is full"),
    fails(ECONNRESET, linux_, "the peer closed with unread data"),
};
constexpr Fault kRecv[] = {
    fails(ECONNRESET, linux_, "the peer closed with unread data"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    shortens(linux_, "stream socket: fewer bytes are there"),
    fails(EAGAIN, linux_, "O_NONBLOCK and empty"),
};
constexpr Fault kGetsockopt[] = {fails(ENOTCONN, posix, "no peer")};
constexpr Fault kNanosleep[] = {fails(EINTR, linux_, "any handler runs")};
constexpr Fault kTimer[] = {fails(EAGAIN, linux_, "RLIMIT_SIGPENDING: no memory for the timer")};
constexpr Fault kChmod[] = {
    fails(EPERM, linux_, "not the owner"),
    fails(EROFS, linux_, "read-only file system"),
};
constexpr Fault kTee[] = {
    fails(ENOMEM, linux_, "no kernel memory"),
    fails(EINTR, linux_, "empty, and a handler without SA_RESTART runs, SPLICE_F_NONBLOCK or not"),
};
constexpr Fault kInotify[] = {
    fails(EMFILE, linux_, "max_user_instances or RLIMIT_NOFILE reached"),
    fails(ENOMEM, linux_, "no kernel memory"),
};
constexpr Fault kInotifyAddWatch[] = {
    fails(ENOSPC, linux_, "max_user_watches reached"),
    fails(EACCES, linux_, "no read permission"),
    fails(ENOENT, linux_, "unlinked by another process in between"),
};

constexpr Fault kFork[] = {
    fails(ENOMEM, linux_, "no kernel memory"),
    fails(EAGAIN, linux_, "RLIMIT_NPROC or pids.max reached"),
};
constexpr Fault kWait[] = {fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs")};
constexpr Fault kPause[] = {
    fails(EINTR, linux_, "any handler has run: it never returns otherwise")};
constexpr Fault kSelect[] = {
    fails(ENOMEM, linux_, "no kernel memory for the table"),
    fails(EINTR, linux_, "any handler runs, also with SA_RESTART"),
};
constexpr Fault kEpollWait[] = {
    fails(EINTR, linux_, "any handler, and SIGSTOP with SIGCONT without one")};
constexpr Fault kSplice[] = {
    fails(EPIPE, linux_, "the last reader is gone; SIGPIPE comes with it"),
    fails(EINTR, linux_, "blocked, and a handler runs"),
};
constexpr Fault kDescriptor[] = {
    fails(EMFILE, linux_, "RLIMIT_NOFILE reached"),
    fails(ENFILE, linux_, "file table full"),
};
constexpr Fault kRename[] = {
    fails(EACCES, linux_, "the directory is not writable"),
    fails(ENOENT, linux_, "somebody else removed it first"),
};
constexpr Fault kLink[] = {
    fails(EACCES, linux_, "the directory is not writable"),
    fails(EEXIST, linux_, "somebody else made the name first"),
};

constexpr Fault kLock[] = {
    fails(ENOLCK, posix, "the table of locks is full"),
    fails(EDEADLK, linux_, "the holder waits for what the caller holds; fcntl only"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
};
constexpr Fault kMqOpen[] = {
    fails(EACCES, linux_, "the mode denies what the flags ask for"),
    fails(EEXIST, linux_, "O_CREAT|O_EXCL and somebody was first"),
    fails(ENOENT, linux_, "nobody has made it yet, or it was unlinked"),
    fails(ENOSPC, linux_, "queues_max queues exist"),
    fails(EMFILE, linux_, "RLIMIT_NOFILE or RLIMIT_MSGQUEUE reached"),
};
constexpr Fault kMqUnlink[] = {
    fails(EACCES, linux_, "the queue belongs to another user"),
    fails(ENOENT, linux_, "somebody else removed it first"),
};
constexpr Fault kMqSend[] = {
    fails(EMSGSIZE, linux_, "the queue was made with a smaller mq_msgsize"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    fails(EAGAIN, linux_, "O_NONBLOCK and the queue is full"),
    fails(ETIMEDOUT, linux_, "the time-out passed"),
};
constexpr Fault kMqReceive[] = {
    fails(EMSGSIZE, linux_, "the queue was made with a larger mq_msgsize"),
    fails(EINTR, linux_, "blocked, and a handler without SA_RESTART runs"),
    fails(EAGAIN, linux_, "O_NONBLOCK and the queue is empty"),
    fails(ETIMEDOUT, linux_, "the time-out passed"),
};
constexpr Fault kMqNotify[] = {
    fails(EBUSY, linux_, "another process asked first"),
};

constexpr std::array kRows = {
    Row{Call::read, "read", kRead},
    Row{Call::write, "write", kWrite},
    Row{Call::pipe, "pipe2", kPipe},
    Row{Call::open, "open", kOpen},
    Row{Call::close, "close", kClose},
    Row{Call::mkfifo, "mkfifo", kMkfifo},
    Row{Call::unlink, "unlink", kUnlink},
    Row{Call::stat, "stat", kStat},
    Row{Call::poll, "poll", kPoll},
    Row{Call::msgget, "msgget", kMsgget},
    Row{Call::msgsnd, "msgsnd", kMsgsnd},
    Row{Call::msgrcv, "msgrcv", kMsgrcv},
    Row{Call::msgctl, "msgctl", kMsgctl},
    Row{Call::shmget, "shmget", kShmget},
    Row{Call::shmat, "shmat", kShmat},
    Row{Call::shmdt, "shmdt", kShmdt},
    Row{Call::shmctl, "shmctl", kShmctl},
    Row{Call::semget, "semget", kSemget},
    Row{Call::semop, "semop", kSemop},
    Row{Call::semctl, "semctl", kSemctl},
    Row{Call::kill, "kill", kKill},
    Row{Call::pidfd_open, "pidfd_open", kPidfdOpen},
    Row{Call::pidfd_send_signal, "pidfd_send_signal", kPidfdSendSignal},
    Row{Call::sigtimedwait, "sigtimedwait", kSigtimedwait},
    Row{Call::signalfd, "signalfd", kSignalfd},
    Row{Call::socket, "socket", kSocket},
    Row{Call::bind, "bind", kBind},
    Row{Call::listen, "listen", kListen},
    Row{Call::accept, "accept4", kAccept},
    Row{Call::connect, "connect", kConnect},
    Row{Call::send, "send", kSend},
    Row{Call::recv, "recv", kRecv},
    Row{Call::getsockopt, "getsockopt", kGetsockopt},
    Row{Call::clock_gettime, "clock_gettime", {}},
    Row{Call::nanosleep, "nanosleep", kNanosleep},
    Row{Call::timer, "timer_create", kTimer},
    Row{Call::chmod, "chmod", kChmod},
    Row{Call::tee, "tee", kTee},
    Row{Call::inotify, "inotify_init1", kInotify},
    Row{Call::inotify_add_watch, "inotify_add_watch", kInotifyAddWatch},
    Row{Call::fork, "fork", kFork},
    Row{Call::execve, "execve", {}},
    Row{Call::exit, "exit", {}},
    Row{Call::wait, "wait", kWait},
    Row{Call::futex, "futex", {}},
    Row{Call::sigaction, "sigaction", {}},
    Row{Call::pause, "pause", kPause},
    Row{Call::sigsuspend, "sigsuspend", kPause},
    Row{Call::select, "select", kSelect},
    Row{Call::epoll_wait, "epoll_wait", kEpollWait},
    Row{Call::sched_yield, "sched_yield", {}},
    Row{Call::getrandom, "getrandom", {}},
    Row{Call::splice, "splice", kSplice},
    Row{Call::sendfile, "sendfile", kSplice},
    Row{Call::socketpair, "socketpair", kDescriptor},
    Row{Call::shutdown, "shutdown", {}},
    Row{Call::alarm, "alarm", {}},
    Row{Call::timerfd_settime, "timerfd_settime", {}},
    Row{Call::eventfd, "eventfd", kDescriptor},
    Row{Call::rename, "rename", kRename},
    Row{Call::link, "link", kLink},
    Row{Call::mkdir, "mkdir", kLink},
    Row{Call::rmdir, "rmdir", kRename},
    Row{Call::fcntl, "fcntl", kLock},
    Row{Call::flock, "flock", kLock},
    Row{Call::mq_open, "mq_open", kMqOpen},
    Row{Call::mq_unlink, "mq_unlink", kMqUnlink},
    Row{Call::mq_send, "mq_send", kMqSend},
    Row{Call::mq_receive, "mq_receive", kMqReceive},
    Row{Call::mq_notify, "mq_notify", kMqNotify},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].call) != i) return false;
  return kRows.size() == static_cast<std::size_t>(Call::count_);
}
static_assert(rows_are_in_order(), "row(call) indexes the table by the call's number");

}  // namespace

const Row& row(Call call) { return kRows[static_cast<std::size_t>(call)]; }

std::span<const Row> rows() { return kRows; }

const Fault* nth_fault(Call call, Realism level, unsigned n) {
  for (const std::span<const Fault> half : {row(call).faults, hostile_faults(call)})
    for (const Fault& fault : half)
      if (fault.realism <= level && n-- == 0) return &fault;
  return nullptr;
}

unsigned count_faults(Call call, Realism level) {
  unsigned count = 0;
  while (nth_fault(call, level, count) != nullptr) ++count;
  return count;
}

bool is_transient(Call call, const Fault& fault) {
  if (fault.effect == Effect::shorten || fault.error_number == EINTR) return true;
  return fault.error_number == EAGAIN && call != Call::sigtimedwait && call != Call::timer;
}

}  // namespace pipewrench
