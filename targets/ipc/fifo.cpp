// SPDX-License-Identifier: MIT
#include "targets/ipc/fifo.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "targets/ipc/wait.h"

namespace ipc {
namespace {

constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr mode_t kPermissionBits = 07777;

Failure with_path(Error error, const std::string& path) {
  error.subject = path;
  return Failure(std::move(error));
}

std::string magic_link(const Fd& handle) { return "/proc/self/fd/" + std::to_string(handle.get()); }

const char* type_name(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a file";
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFSOCK:
      return "a socket";
    default:
      return "a device";
  }
}

// The policy for what is found under the name.
Result<> accept(const struct stat& found, const std::string& path) {
  if (!S_ISFIFO(found.st_mode))
    return fail(Kind::wrong_type, 0, "fifo", {}, path + ": is " + type_name(found.st_mode));
  if (found.st_uid != ::geteuid())
    return fail(Kind::permission, 0, "fifo", {{{"uid", found.st_uid}}}, path + ": another user's");
  if ((found.st_mode & kOthersWrite) != 0)
    return fail(Kind::permission, 0, "fifo", {{{"mode", found.st_mode & kPermissionBits}}},
                path + ": others may write to it");
  return {};
}

// What poll(2) has to say now, without waiting.
Result<short> poll_now(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  const auto ready = wait_any({&entry, 1}, Deadline::now());
  if (!ready && ready.error().kind != Kind::would_block) return std::unexpected(ready.error());
  return entry.revents;
}

Result<bool> has_reader(int writer) {
  const auto events = poll_now(writer, POLLOUT);
  if (!events) return std::unexpected(events.error());
  return (*events & POLLERR) == 0;
}

// tee(2) copies without taking: 0 where no writer is there, EAGAIN where one is and has said
// nothing yet.
Result<bool> has_idle_writer(int reader) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail("pipe2");
  const Fd out(ends[0]), in(ends[1]);
  ssize_t count = 0;
  do {  // with a signal pending an empty pipe gives EINTR, SPLICE_F_NONBLOCK or not
    count = ::tee(reader, in.get(), 1, SPLICE_F_NONBLOCK);
  } while (count < 0 && errno == EINTR);
  if (count >= 0) return count > 0;
  if (errno == EAGAIN) return true;
  return fail("tee", {{{"fd", reader}}});
}

Result<bool> has_or_had_writer(int reader) {
  const auto events = poll_now(reader, POLLIN);
  if (!events) return std::unexpected(events.error());
  if ((*events & (POLLIN | POLLHUP)) != 0) return true;
  return has_idle_writer(reader);
}

Result<Fd> watch(const std::string& link) {
  Fd events(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!events) return fail("inotify_init1");
  if (::inotify_add_watch(events.get(), link.c_str(), IN_OPEN | IN_ATTRIB | IN_MOVE_SELF) < 0)
    return fail("inotify_add_watch");
  return events;
}

// Events say "look again" and nothing else. What does not fit is read after the next look.
Result<> drain(int events) {
  std::array<char, 4096> bytes;
  // Cannot sleep, so EINTR cannot come (signal(7)); if it does, the next look will read again.
  if (::read(events, bytes.data(), bytes.size()) < 0 && errno != EAGAIN && errno != EINTR)
    return fail("read", {{{"fd", events}}});
  return {};
}

}  // namespace

Result<Fifo> Fifo::hold(std::string path) {
  if (path.find('\0') != path.npos)
    return fail(Kind::bad_argument, 0, "fifo", {}, path + ": NUL in a path");
  Fd handle;
  do {  // nothing was opened, and it is no wait that a deadline could bound: EINTR is retried
    handle = Fd(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  } while (!handle && errno == EINTR);
  if (!handle) return fail("open", {}, path);
  struct stat found{};
  if (::fstat(handle.get(), &found) != 0) return fail("fstat", {}, path);
  if (const auto accepted = accept(found, path); !accepted) return Failure(accepted.error());
  return Fifo(std::move(path), std::move(handle), found.st_dev, found.st_ino);
}

Result<Fifo> Fifo::use(std::string path) { return hold(std::move(path)); }

Result<Fifo> Fifo::create(std::string path) {
  if (path.find('\0') != path.npos)
    return fail(Kind::bad_argument, 0, "fifo", {}, path + ": NUL in a path");
  if (::mkfifo(path.c_str(), kMode) != 0) return fail("mkfifo", {}, path);
  Result<Fifo> made = hold(path);
  if (!made) {
    // Without a descriptor for it; a failure here must not leave the name behind.
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0 && accept(found, path)) ::unlink(path.c_str());
    return made;
  }
  made->creator_ = ::getpid();
  if (const auto forced = made->force_mode(); !forced) return Failure(forced.error());
  return made;
}

Result<Fifo> Fifo::create_or_use(std::string path) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Result<Fifo> made = create(path);
    if (made || made.error().kind != Kind::exists) return made;
    Result<Fifo> found = use(path);
    if (found || found.error().kind != Kind::not_found) return found;
  }
  return fail(Kind::stale, 0, "fifo", {}, path + ": others keep making and removing it");
}

Fifo::Fifo(Fifo&& other) noexcept
    : path_(std::move(other.path_)),
      handle_(std::move(other.handle_)),
      device_(other.device_),
      inode_(other.inode_),
      creator_(std::exchange(other.creator_, 0)) {}

Fifo& Fifo::operator=(Fifo&& other) noexcept {
  if (this == &other) return *this;
  (void)remove();  // as the destructor
  path_ = std::move(other.path_);
  handle_ = std::move(other.handle_);
  device_ = other.device_;
  inode_ = other.inode_;
  creator_ = std::exchange(other.creator_, 0);
  return *this;
}

// Nothing can be done about a name that cannot be removed; who wants to know calls remove().
Fifo::~Fifo() { (void)remove(); }

bool Fifo::is_creator() const { return creator_ != 0 && creator_ == ::getpid(); }

void Fifo::adopt() { creator_ = ::getpid(); }

Result<> Fifo::remove() {
  if (!is_creator()) return fail(Kind::permission, 0, "fifo", {}, path_ + ": not its creator");
  creator_ = 0;
  if (const auto current = check(); !current) return current;
  if (::unlink(path_.c_str()) != 0) return fail("unlink", {}, path_);
  return {};
}

// mkfifo(3) masks the mode by the umask, which belongs to the whole process and may not be changed.
// fchmod(2) refuses O_PATH descriptors; chmod(2) follows the link.
Result<> Fifo::force_mode() const {
  struct stat made{};
  if (::fstat(handle_.get(), &made) != 0) return fail("fstat", {}, path_);
  if ((made.st_mode & kPermissionBits) == kMode) return {};
  if (::chmod(magic_link(handle_).c_str(), kMode) != 0) return fail("chmod", {}, path_);
  return {};
}

Result<> Fifo::check() const {
  struct stat found{};
  if (::lstat(path_.c_str(), &found) != 0) {
    const Kind kind = errno == ENOENT || errno == ENOTDIR ? Kind::removed : kind_of(errno);
    return fail(kind, errno, "lstat", {}, path_);
  }
  // The handle keeps the inode, so its number cannot be another's.
  if (found.st_dev == device_ && found.st_ino == inode_) return {};
  return fail(Kind::stale, 0, "fifo", {}, path_ + ": something else has its name now");
}

// With O_NONBLOCK the call cannot sleep, so there is no EINTR to retry (open(2)).
Result<Fd> Fifo::open_end(int flags) const {
  Fd end(::open(magic_link(handle_).c_str(), flags | O_NONBLOCK | O_CLOEXEC));
  if (!end) return fail("open", {}, path_);
  return end;
}

Result<Fd> Fifo::listen() const {
  if (const auto current = check(); !current) return Failure(current.error());
  return open_end(O_RDONLY);
}

Result<Fd> Fifo::open_reader(Deadline deadline) const {
  Result<Fd> reader = listen();
  if (!reader) return reader;
  if (const auto come = await_writer(*reader, deadline); !come) return Failure(come.error());
  return reader;
}

Result<Fd> Fifo::open_writer(Deadline deadline) const {
  if (const auto current = check(); !current) return Failure(current.error());
  Result<Fd> writer = open_end(O_WRONLY);
  if (!writer && writer.error().number != ENXIO) return writer;
  if (!writer && deadline.is_now())
    return fail(Kind::would_block, ENXIO, "open", {}, path_ + ": nobody reads");
  if (!writer) {
    const Result<Fd> both = open_end(O_RDWR);
    if (!both) return Failure(both.error());
    writer = open_end(O_WRONLY);
    if (!writer) return writer;
  }
  if (const auto come = await_reader(*writer, deadline); !come) return Failure(come.error());
  return writer;
}

Result<> Fifo::await_writer(const Fd& reader, Deadline deadline) const {
  return wait_for(reader.get(), deadline, [&] { return has_or_had_writer(reader.get()); });
}

Result<> Fifo::await_next_writer(Fd& reader, Deadline deadline) const {
  // POLLHUP stays for an open file whose writers have gone; a new one starts without it. The old
  // one is closed last, so that bytes sent in between are not discarded with the last close.
  Result<Fd> fresh = open_end(O_RDONLY);
  if (!fresh) return Failure(fresh.error());
  reader = std::move(*fresh);
  return await_writer(reader, deadline);
}

Result<> Fifo::await_reader(const Fd& writer, Deadline deadline) const {
  // The write end is not among what is polled: without a reader POLLERR is always there.
  return wait_for(-1, deadline, [&] { return has_reader(writer.get()); });
}

// `look` says whether the other side is there. `polled_fd`: its input ends the wait too.
template <class Look>
Result<> Fifo::wait_for(int polled_fd, Deadline deadline, Look look) const {
  Fd events;
  for (;;) {
    const Result<bool> come = look();
    if (!come) return with_path(come.error(), path_);
    if (*come) return {};
    if (const auto current = check(); !current) return current;
    if (deadline.is_now()) return fail(Kind::would_block, EAGAIN, "fifo", {}, path_);
    if (!events) {
      Result<Fd> made = watch(magic_link(handle_));
      if (!made) return with_path(made.error(), path_);
      events = std::move(*made);
      continue;  // who came before the watch is seen by one more look
    }
    std::array<pollfd, 2> entries{{{events.get(), POLLIN, 0}, {polled_fd, POLLIN, 0}}};
    if (const auto ready = wait_any(entries, deadline); !ready)
      return with_path(ready.error(), path_);
    if (entries[0].revents != 0)
      if (const auto drained = drain(events.get()); !drained)
        return with_path(drained.error(), path_);
  }
}

}  // namespace ipc
