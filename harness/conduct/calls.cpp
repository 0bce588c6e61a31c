// SPDX-License-Identifier: MIT
#include "harness/conduct/calls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <unordered_map>

#include "harness/conduct/memory.h"

namespace pipewrench {
namespace {

constexpr std::size_t kQuoted = 40;  // bytes of data shown in a step's detail

Fd duplicate_of(const Process& process, int fd) {
  return Fd(static_cast<int>(syscall(SYS_pidfd_getfd, process.pidfd.get(), fd, 0)));
}

struct AnonymousKind {
  const char* link;
  const char* name;
  ObjectKind kind;
};
constexpr AnonymousKind kAnonymous[] = {
    {"anon_inode:[eventfd]", "eventfd", ObjectKind::eventfd},
    {"anon_inode:[signalfd]", "signalfd", ObjectKind::signalfd},
    {"anon_inode:[timerfd]", "timerfd", ObjectKind::timerfd},
    {"anon_inode:[pidfd]", "pidfd", ObjectKind::pidfd},
    {"anon_inode:inotify", "inotify", ObjectKind::eventfd},  // one more source of events
};

std::uint32_t name_anonymous(Run& run, int fd, const Process& process, int number) {
  const std::string link = path_of(fd);
  for (const AnonymousKind& row : kAnonymous)
    if (link == row.link) {
      // All anonymous files share one inode (anon_inode_getfd): process and number stand for the
      // object.
      const std::uint64_t a = process.main, b = static_cast<std::uint64_t>(number);
      return run.object_of(row.kind, a, b, std::string(row.name) + "#");
    }
  return kNoObject;
}

std::uint32_t name_pipe(Run& run, int fd, const struct stat& info) {
  for (const ObjectKind kind : {ObjectKind::pipe, ObjectKind::fifo})
    if (const auto known = run.find_object(kind, info.st_dev, info.st_ino); known != kNoObject)
      return known;
  const std::string path = path_of(fd);
  if (path.starts_with("pipe:"))
    return run.object_of(ObjectKind::pipe, info.st_dev, info.st_ino, "pipe#");
  std::string name = run.peer_path(path);
  if (name.ends_with(" (deleted)")) name.resize(name.size() - 10);
  return run.object_of(ObjectKind::fifo, info.st_dev, info.st_ino, "fifo " + name);
}

}  // namespace

std::string path_of(int fd) {
  char link[32], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, sizeof path);
  return {path, size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::span<const CallRow> call_rows() {
  static const std::vector<CallRow> rows = [] {
    std::vector<CallRow> all;
    for (const auto part : {stream_rows(), file_rows(), sysv_rows(), signal_rows(), wait_rows(),
                            time_rows(), process_rows(), futex_rows(), lock_rows(), mqueue_rows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

const CallRow* call_row(int number) {
  static const std::unordered_map<int, const CallRow*> index = [] {
    std::unordered_map<int, const CallRow*> all;
    for (const CallRow& row : call_rows()) all.emplace(row.number, &row);
    return all;
  }();
  const auto found = index.find(number);
  return found == index.end() ? nullptr : found->second;
}

bool look_descriptor(Run& run, std::uint32_t task, int fd) {
  Pending& pending = run.pending_of(task);
  const Process& process = run.process_of(task);
  pending.fd = fd;
  pending.duplicate = duplicate_of(process, fd);
  if (!pending.duplicate) return false;  // EBADF: the kernel says so itself
  struct stat info{};
  if (fstat(pending.duplicate.get(), &info) != 0) return false;
  switch (info.st_mode & S_IFMT) {
    case S_IFREG:
      // Of these only a POSIX queue can be waited for (mq_overview(7)).
      if (pending.call != Call::read && pending.call != Call::write)
        pending.object = mqueue_object(run, pending.duplicate.get());
      if (pending.object == kNoObject) return false;
      break;
    case S_IFDIR:
    case S_IFBLK:
      return false;
    case S_IFIFO:
      pending.object = name_pipe(run, pending.duplicate.get(), info);
      break;
    case S_IFSOCK:
      pending.object = run.object_of(ObjectKind::socket, info.st_dev, info.st_ino, "socket#");
      break;
    case S_IFCHR:
      pending.is_random = info.st_rdev == makedev(1, 8) || info.st_rdev == makedev(1, 9);
      if (pending.is_random || isatty(pending.duplicate.get()) == 0) return false;
      pending.object = run.object_of(ObjectKind::tty, info.st_rdev, 0, "tty");
      break;
    default:
      pending.object = name_anonymous(run, pending.duplicate.get(), process, fd);
      if (pending.object == kNoObject) return false;
  }
  const int flags = fcntl(pending.duplicate.get(), F_GETFL);
  pending.nonblocking = flags >= 0 && (flags & O_NONBLOCK) != 0;
  const bool wants_to_read = pending.call == Call::read,
             wants_to_write = pending.call == Call::write;
  pending.is_wrong_end = (wants_to_read && (flags & O_ACCMODE) == O_WRONLY) ||
                         (wants_to_write && (flags & O_ACCMODE) == O_RDONLY);
  return true;
}

short poll_descriptor(Run& run, std::uint32_t task, int fd, short events) {
  Pending& pending = run.pending_of(task);
  Fd own;
  int number = -1;
  if (fd == pending.fd && pending.duplicate) {
    number = pending.duplicate.get();
  } else {
    own = duplicate_of(run.process_of(task), fd);
    number = own.get();
  }
  if (number < 0) return POLLNVAL;
  struct stat info{};
  if (number == pending.duplicate.get() && pending.object != kNoObject &&
      run.trace.objects[pending.object].kind != ObjectKind::signalfd) {
    pollfd one{number, events, 0};
    return poll(&one, 1, 0) < 0 ? short{POLLNVAL} : one.revents;
  }
  // Only an anonymous inode has no type: is it a signalfd?
  if (fstat(number, &info) == 0 && (info.st_mode & S_IFMT) == 0 &&
      path_of(number) == "anon_inode:[signalfd]") {
    char path[48], line[256];
    std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", number);
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
    std::uint64_t mask = 0;
    while (file && std::fgets(line, sizeof line, file.get()) != nullptr)
      if (std::strncmp(line, "sigmask:", 8) == 0) mask = std::strtoull(line + 8, nullptr, 16);
    const auto status = task_status(run.live[task].tid);
    const bool pends = status && ((status->own_pending | status->shared_pending) & mask) != 0;
    return pends ? static_cast<short>(POLLIN & events) : short{0};
  }
  pollfd one{number, events, 0};
  return poll(&one, 1, 0) < 0 ? short{POLLNVAL} : one.revents;
}

void kernel_acts(Run& run, std::uint32_t task) {
  Live& one = run.live[task];
  run.record(task, one.pending.expected);
  if (one.pending.row->after != nullptr)
    one.after_step = static_cast<std::uint32_t>(run.trace.steps.size() - 1);
  run.let_kernel(task);
}

std::string quoted(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes.substr(0, kQuoted)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      text += "\\n";
    else if (c == '"' || c == '\\')
      (text += '\\') += c;
    else if (byte >= 0x20 && byte < 0x7f)
      text += c;
    else {
      text += '\\';
      for (const int shift : {6, 3, 0}) text += static_cast<char>('0' + (byte >> shift & 7));
    }
  }
  text += '"';
  return bytes.size() > kQuoted ? text + "..." : text;
}

std::uint64_t virtual_realtime_ns(const Run& run) { return kRealtimeStart_ns + run.now_ns; }
std::uint64_t virtual_monotonic_ns(const Run& run) { return kMonotonicStart_ns + run.now_ns; }

std::int64_t virtual_clock_ns(const Run& run, int clock) {
  switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
      return static_cast<std::int64_t>(virtual_realtime_ns(run));
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
      return static_cast<std::int64_t>(virtual_monotonic_ns(run));
    default:
      return -1;
  }
}

}  // namespace pipewrench
