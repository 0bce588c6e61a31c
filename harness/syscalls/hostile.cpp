// The second half of the table: errors that a man page lists and that Linux does not give to a
// right program in the state that it is in. Played at Realism::hostile alone. Must not make any
// call.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cerrno>

#include "harness/syscalls/table.h"

namespace pipewrench {
namespace {

constexpr Fault fails(int error_number, const char* when) {
  return {Effect::fail, error_number, Realism::hostile, when};
}

constexpr Fault kBadDescriptor =
    fails(EBADF, "the descriptor is not open: other code of the process closed it");
constexpr Fault kBadAddress = fails(EFAULT, "an argument lies outside the address space");
constexpr Fault kInvalid = fails(EINVAL, "an argument is not what the call takes");
constexpr Fault kNoMemory = fails(ENOMEM, "no kernel memory");
constexpr Fault kNoDescriptor = fails(EMFILE, "RLIMIT_NOFILE reached");
constexpr Fault kTableFull = fails(ENFILE, "the system's file table is full");
constexpr Fault kNoDevice = fails(ENODEV, "the kernel's own file system is not there");
constexpr Fault kLoop = fails(ELOOP, "too many symbolic links in the path");
constexpr Fault kLongName = fails(ENAMETOOLONG, "the path is too long for the file system");
constexpr Fault kMissing = fails(ENOENT, "a directory of the path is missing");
constexpr Fault kNoDirectory = fails(ENOTDIR, "a part of the path is no directory");
constexpr Fault kReadOnly = fails(EROFS, "read-only file system");
constexpr Fault kQuota = fails(EDQUOT, "the user's quota of the file system is used up");
constexpr Fault kNoSpace = fails(ENOSPC, "no space for the directory entry");
constexpr Fault kForbidden = fails(EPERM, "a seal, a sticky directory or a security module");
constexpr Fault kBusy = fails(EBUSY, "the system uses it: a mount point");
constexpr Fault kDevice = fails(EIO, "low-level I/O error");
constexpr Fault kManyLinks = fails(EMLINK, "the most links that the file system knows");
constexpr Fault kOtherDevice = fails(EXDEV, "the two names are on two file systems");
constexpr Fault kNoSocket = fails(ENOTSOCK, "the descriptor is no socket");
constexpr Fault kNoBuffers = fails(ENOBUFS, "no kernel memory for the buffers");
constexpr Fault kNotConnected = fails(ENOTCONN, "nobody is connected");
constexpr Fault kUnsupported = fails(EOPNOTSUPP, "no socket of that type does it");
constexpr Fault kNoFamily = fails(EAFNOSUPPORT, "the family is not built in");
constexpr Fault kNoProtocol = fails(EPROTONOSUPPORT, "the protocol is not built in");

// Source: the man page of each call, section ERRORS.
constexpr Fault kRead[] = {fails(EISDIR, "it is a directory"), kInvalid, kBadDescriptor,
                           kBadAddress};
constexpr Fault kWrite[] = {fails(EFBIG, "RLIMIT_FSIZE or the largest file of the file system"),
                            fails(EDESTADDRREQ, "a datagram socket that is not connected"),
                            kInvalid,
                            kBadDescriptor,
                            kBadAddress,
                            kDevice,
                            kQuota,
                            kForbidden};
constexpr Fault kPipe[] = {fails(ENOPKG, "O_NOTIFICATION_PIPE is not built in"), kBadAddress,
                           kInvalid};
constexpr Fault kOpen[] = {fails(EEXIST, "O_CREAT|O_EXCL and somebody was first"),
                           fails(EISDIR, "a directory, and it is opened for writing"),
                           fails(ETXTBSY, "a program that runs, and it is opened for writing"),
                           fails(EOVERFLOW, "the file is too large for off_t"),
                           fails(EFBIG, "the file is too large for off_t, as old kernels say it"),
                           fails(EOPNOTSUPP, "the file system does not know O_TMPFILE"),
                           kInvalid,
                           kBadAddress,
                           kLoop,
                           kLongName,
                           kTableFull,
                           kNoDevice,
                           kNoMemory,
                           kNoSpace,
                           kQuota,
                           kNoDirectory,
                           kForbidden,
                           kReadOnly,
                           kBusy,
                           kBadDescriptor};
constexpr Fault kClose[] = {fails(ENOSPC, "an earlier write found no space: NFS"), kBadDescriptor};
constexpr Fault kMkfifo[] = {kMissing,  kNoDirectory, kLongName,   kQuota,     kLoop,
                             kNoMemory, kInvalid,     kBadAddress, kForbidden, kBadDescriptor};
constexpr Fault kUnlink[] = {fails(EISDIR, "it is a directory now"),
                             kForbidden,
                             kBusy,
                             kReadOnly,
                             kDevice,
                             kNoDirectory,
                             kLoop,
                             kLongName,
                             kNoMemory,
                             kBadAddress,
                             kInvalid,
                             kBadDescriptor};
constexpr Fault kStat[] = {fails(EOVERFLOW, "a size or number does not fit the structure"),
                           kNoDirectory,
                           kLoop,
                           kLongName,
                           kNoMemory,
                           kBadAddress,
                           kInvalid,
                           kBadDescriptor};
constexpr Fault kPoll[] = {kInvalid, kBadAddress};
constexpr Fault kMsgget[] = {kNoMemory};
constexpr Fault kMsgsnd[] = {kBadAddress};
constexpr Fault kMsgrcv[] = {
    fails(E2BIG, "the text is longer than the buffer, no MSG_NOERROR; it stays queued"),
    fails(ENOSYS, "MSG_COPY is not built in"), kBadAddress};
constexpr Fault kMsgctl[] = {kBadAddress};
constexpr Fault kShmget[] = {fails(EPERM, "SHM_HUGETLB without the privilege"), kTableFull};
constexpr Fault kShmctl[] = {fails(EOVERFLOW, "an id does not fit the structure"), kBadAddress,
                             kNoMemory};
constexpr Fault kSemget[] = {kInvalid, kNoMemory};
constexpr Fault kSemop[] = {fails(EFBIG, "no semaphore of that number in the set"),
                            fails(ERANGE, "the value would pass SEMVMX"),
                            fails(E2BIG, "more than SEMOPM operations"),
                            fails(EACCES, "no permission to alter"),
                            kNoMemory,
                            kBadAddress};
constexpr Fault kSemctl[] = {fails(ERANGE, "SETVAL or SETALL beyond SEMVMX"), kBadAddress};
constexpr Fault kKill[] = {fails(EAGAIN, "sigqueue: RLIMIT_SIGPENDING reached"), kInvalid};
constexpr Fault kPidfdOpen[] = {kInvalid, kTableFull, kNoDevice, kNoMemory};
constexpr Fault kPidfdSendSignal[] = {kInvalid, kBadDescriptor};
constexpr Fault kSigtimedwait[] = {kInvalid};
constexpr Fault kSignalfd[] = {kInvalid, kBadDescriptor, kNoDevice, kNoMemory};
constexpr Fault kSocket[] = {fails(EACCES, "sockets of this kind are denied"),
                             kTableFull,
                             kNoMemory,
                             kNoFamily,
                             kNoProtocol,
                             kInvalid};
constexpr Fault kBind[] = {fails(EADDRNOTAVAIL, "no such local address"),
                           kMissing,
                           kNoDirectory,
                           kLoop,
                           kLongName,
                           kReadOnly,
                           kNoMemory,
                           kInvalid,
                           kBadAddress,
                           kBadDescriptor,
                           kNoSocket};
constexpr Fault kListen[] = {kUnsupported, kBadDescriptor, kNoSocket};
constexpr Fault kAccept[] = {fails(EPERM, "a firewall forbids it"),
                             fails(EPROTO, "protocol error"),
                             kTableFull,
                             kNoMemory,
                             kNoBuffers,
                             kUnsupported,
                             kInvalid,
                             kBadAddress,
                             kBadDescriptor,
                             kNoSocket};
constexpr Fault kConnect[] = {fails(EACCES, "no write permission for the socket file"),
                              fails(EPERM, "a firewall forbids it"),
                              fails(EPROTOTYPE, "the socket there is of another type"),
                              fails(EISCONN, "it is connected"),
                              fails(EALREADY, "an earlier attempt is under way"),
                              fails(EINPROGRESS, "O_NONBLOCK: it goes on by itself"),
                              fails(ETIMEDOUT, "the server does not answer"),
                              fails(ENETUNREACH, "no way to that network"),
                              fails(EADDRNOTAVAIL, "no local port is free"),
                              fails(EADDRINUSE, "the local address is in use"),
                              kNoFamily,
                              kBadAddress,
                              kBadDescriptor,
                              kNoSocket};
constexpr Fault kSend[] = {fails(EACCES, "no write permission for the socket file"),
                           fails(EMSGSIZE, "longer than one message may be"),
                           fails(EISCONN, "it is connected, and an address is given"),
                           fails(EDESTADDRREQ, "it is not connected, and no address is given"),
                           fails(EALREADY, "another fast open is under way"),
                           kNotConnected,
                           kNoBuffers,
                           kNoMemory,
                           kUnsupported,
                           kInvalid,
                           kBadAddress,
                           kBadDescriptor,
                           kNoSocket};
constexpr Fault kRecv[] = {fails(ECONNREFUSED, "nobody listens there: UDP"),
                           kNotConnected,
                           kNoMemory,
                           kInvalid,
                           kBadAddress,
                           kBadDescriptor,
                           kNoSocket};
constexpr Fault kGetsockopt[] = {fails(ENOPROTOOPT, "no such option"), kInvalid, kBadAddress,
                                 kBadDescriptor, kNoSocket};
constexpr Fault kNanosleep[] = {kInvalid, kBadAddress};
constexpr Fault kTimer[] = {fails(ENOTSUP, "no timers of that clock"),
                            fails(EPERM, "CLOCK_..._ALARM without the privilege"), kInvalid,
                            kNoMemory};
constexpr Fault kChmod[] = {fails(EACCES, "search permission on the path is missing"),
                            fails(ENOTSUP, "AT_SYMLINK_NOFOLLOW is not done"),
                            kMissing,
                            kNoDirectory,
                            kLoop,
                            kLongName,
                            kNoMemory,
                            kDevice,
                            kInvalid,
                            kBadAddress,
                            kBadDescriptor};
constexpr Fault kTee[] = {fails(EAGAIN, "SPLICE_F_NONBLOCK or O_NONBLOCK, and it would block"),
                          kInvalid};
constexpr Fault kInotify[] = {kInvalid, kTableFull};
constexpr Fault kInotifyAddWatch[] = {fails(EEXIST, "IN_MASK_CREATE and it is watched"),
                                      kNoDirectory,
                                      kLongName,
                                      kNoMemory,
                                      kInvalid,
                                      kBadAddress,
                                      kBadDescriptor};
constexpr Fault kFork[] = {fails(ENOSYS, "a machine without memory management"), kInvalid};
constexpr Fault kWait[] = {
    fails(ECHILD, "SIGCHLD is ignored, or other code of the process reaped it"), kInvalid};
constexpr Fault kSelect[] = {kInvalid, kBadDescriptor};
constexpr Fault kEpollWait[] = {kInvalid, kBadAddress, kBadDescriptor};
constexpr Fault kSplice[] = {fails(ESPIPE, "an offset is given for a pipe"),
                             fails(EAGAIN, "SPLICE_F_NONBLOCK or O_NONBLOCK, and it would block"),
                             kInvalid, kBadDescriptor, kNoMemory};
constexpr Fault kRename[] = {
    fails(EISDIR, "the new name is a directory"),
    fails(ENOTEMPTY, "the directory is not empty"),
    fails(EEXIST, "RENAME_NOREPLACE and the new name exists; a directory that is not empty"),
    kForbidden,
    kBusy,
    kQuota,
    kNoSpace,
    kReadOnly,
    kNoDirectory,
    kLoop,
    kLongName,
    kNoMemory,
    kManyLinks,
    kOtherDevice,
    kInvalid,
    kBadAddress,
    kBadDescriptor};
constexpr Fault kLink[] = {kForbidden,   kMissing,    kQuota,        kNoSpace,  kReadOnly,
                           kNoDirectory, kLoop,       kLongName,     kNoMemory, kManyLinks,
                           kInvalid,     kBadAddress, kBadDescriptor};
constexpr Fault kSigsuspend[] = {kBadAddress};
constexpr Fault kExecve[] = {fails(EACCES, "no execute permission, or mounted noexec"),
                             fails(ENOENT, "the program or its interpreter is missing"),
                             fails(E2BIG, "arguments and environment are too long"),
                             fails(ENOEXEC, "not a format that the kernel knows"),
                             fails(ETXTBSY, "somebody writes the program"),
                             fails(EISDIR, "the interpreter is a directory"),
                             fails(ELIBBAD, "the interpreter is of no known format"),
                             fails(EAGAIN, "RLIMIT_NPROC, after a change of user"),
                             kNoDirectory,
                             kLoop,
                             kLongName,
                             kForbidden,
                             kDevice,
                             kNoDescriptor,
                             kTableFull,
                             kNoMemory,
                             kInvalid,
                             kBadAddress};
constexpr Fault kShutdown[] = {kNotConnected, kInvalid, kBadDescriptor, kNoSocket};
constexpr Fault kTimerfd[] = {fails(ECANCELED, "the clock was set: TFD_TIMER_CANCEL_ON_SET"),
                              kInvalid, kBadDescriptor, kBadAddress};
constexpr Fault kSocketpair[] = {kNoFamily, kNoProtocol, kUnsupported, kBadAddress};
constexpr Fault kEventfd[] = {kNoDevice, kInvalid, kNoMemory};
constexpr Fault kSendfile[] = {fails(EOVERFLOW, "more than the largest size of either file"),
                               fails(ESPIPE, "an offset is given for a pipe"),
                               fails(EAGAIN, "SPLICE_F_NONBLOCK or O_NONBLOCK, and it would block"),
                               kDevice,
                               kBadAddress,
                               kInvalid,
                               kBadDescriptor,
                               kNoMemory};
constexpr Fault kRmdir[] = {fails(ENOTEMPTY, "the directory is not empty"),
                            kBusy,
                            kForbidden,
                            kReadOnly,
                            kNoDirectory,
                            kLoop,
                            kLongName,
                            kNoMemory,
                            kInvalid,
                            kBadAddress};

struct Line {
  Call call;
  std::span<const Fault> faults;
};
constexpr std::array kLines = {
    Line{Call::read, kRead},
    Line{Call::write, kWrite},
    Line{Call::pipe, kPipe},
    Line{Call::open, kOpen},
    Line{Call::close, kClose},
    Line{Call::mkfifo, kMkfifo},
    Line{Call::unlink, kUnlink},
    Line{Call::stat, kStat},
    Line{Call::poll, kPoll},
    Line{Call::msgget, kMsgget},
    Line{Call::msgsnd, kMsgsnd},
    Line{Call::msgrcv, kMsgrcv},
    Line{Call::msgctl, kMsgctl},
    Line{Call::shmget, kShmget},
    Line{Call::shmctl, kShmctl},
    Line{Call::semget, kSemget},
    Line{Call::semop, kSemop},
    Line{Call::semctl, kSemctl},
    Line{Call::kill, kKill},
    Line{Call::pidfd_open, kPidfdOpen},
    Line{Call::pidfd_send_signal, kPidfdSendSignal},
    Line{Call::sigtimedwait, kSigtimedwait},
    Line{Call::signalfd, kSignalfd},
    Line{Call::socket, kSocket},
    Line{Call::bind, kBind},
    Line{Call::listen, kListen},
    Line{Call::accept, kAccept},
    Line{Call::connect, kConnect},
    Line{Call::send, kSend},
    Line{Call::recv, kRecv},
    Line{Call::getsockopt, kGetsockopt},
    Line{Call::nanosleep, kNanosleep},
    Line{Call::timer, kTimer},
    Line{Call::chmod, kChmod},
    Line{Call::tee, kTee},
    Line{Call::inotify, kInotify},
    Line{Call::inotify_add_watch, kInotifyAddWatch},
    Line{Call::fork, kFork},
    Line{Call::wait, kWait},
    Line{Call::select, kSelect},
    Line{Call::epoll_wait, kEpollWait},
    Line{Call::splice, kSplice},
    Line{Call::rename, kRename},
    Line{Call::link, kLink},
    Line{Call::mkdir, kLink},
    Line{Call::sigsuspend, kSigsuspend},
    Line{Call::execve, kExecve},
    Line{Call::shutdown, kShutdown},
    Line{Call::timerfd_settime, kTimerfd},
    Line{Call::socketpair, kSocketpair},
    Line{Call::eventfd, kEventfd},
    Line{Call::sendfile, kSendfile},
    Line{Call::rmdir, kRmdir},
};

}  // namespace

std::span<const Fault> hostile_faults(Call call) {
  const auto line = std::ranges::find(kLines, call, &Line::call);
  return line == kLines.end() ? std::span<const Fault>() : line->faults;
}

}  // namespace pipewrench
