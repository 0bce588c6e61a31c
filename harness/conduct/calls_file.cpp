// Names in the file system that peers meet at: FIFOs, socket files, lock files, directories as
// locks. Plain files pass.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/paths.h"

namespace pipewrench {
namespace {

constexpr std::string_view kShared = "/dev/shm/";  // what shm_open(3) and sem_open(3) make

// Directories in which no peer makes a FIFO: what loaders open by the dozen.
bool is_system_path(const std::string& path) {
  if (path.starts_with(kShared)) return false;
  for (const char* prefix : {"/lib", "/usr/", "/etc/", "/proc/", "/sys/", "/dev/"})
    if (path.starts_with(prefix)) return true;
  return false;
}

struct Opening {
  int directory = AT_FDCWD;
  std::uint64_t path = 0;
  std::uint64_t flags = 0;
};

Opening opening_of(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  switch (pending.notif.data.nr) {
#ifdef SYS_open
    case SYS_open:
      return {AT_FDCWD, pending.address(0), pending.address(1)};
    case SYS_creat:
      return {AT_FDCWD, pending.address(0), O_CREAT | O_WRONLY | O_TRUNC};
#endif
    case SYS_openat2: {
      const auto how = read_value<open_how>(run.process_of(task).pid, pending.address(2));
      return {static_cast<int>(pending.address(0)), pending.address(1), how ? how->flags : 0};
    }
    default:
      return {static_cast<int>(pending.address(0)), pending.address(1), pending.address(2)};
  }
}

std::uint32_t fifo_object(Run& run, const struct stat& info, const std::string& shown) {
  return run.object_of(ObjectKind::fifo, info.st_dev, info.st_ino, "fifo " + shown);
}

// Where peers meet by name, and nothing else makes any.
bool is_meeting_place(const std::string& shown) {
  return shown.starts_with("./") || shown.starts_with("/tmp/") || shown.starts_with(kShared);
}

std::uint32_t shared_object(Run& run, const struct stat& info, const std::string& shown) {
  const std::uint32_t object = run.object_of(ObjectKind::file, info.st_dev, info.st_ino, shown);
  run.trace.objects[object].mode = info.st_mode & 0777U;
  return object;
}

// "/dev/shm/x", O_EXCL is /dev/shm/x; what is elsewhere, or has such characters, is not shown so.
std::string shared_name(const std::string& detail) {
  if (!detail.starts_with('"')) return "";
  const std::string name = detail.substr(1, detail.find('"', 1) - 1);
  return name.starts_with(kShared) && !name.contains('\\') ? name : "";
}

// sem_open(3) makes it under such a name and links it to its own; shm_open(3) does not.
bool is_draft(const std::string& shown, std::uint64_t flags) {
  return shown.starts_with("/dev/shm/sem.") && (flags & O_EXCL) != 0;
}

Look look_open(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const Opening opening = opening_of(run, task);
  const auto path = read_string(run.process_of(task).pid, opening.path);
  if (path && (*path == "/dev/ptmx" || *path == "/dev/pts/ptmx")) run.has_terminals = true;
  if (!path || is_system_path(*path)) return Look::pass;
  struct stat info{};
  const std::string outside = outside_path(run, task, opening.directory, *path);
  const bool there = stat(outside.c_str(), &info) == 0;
  pending.detail = quoted(shown_path(run, task, *path));
  pending.number = static_cast<std::int64_t>(opening.flags);
  if (there && S_ISFIFO(info.st_mode) && (opening.flags & O_PATH) == 0) {
    pending.object = fifo_object(run, info, shown_path(run, task, *path));
    pending.nonblocking = (opening.flags & O_NONBLOCK) != 0;
    const auto access = opening.flags & O_ACCMODE;
    pending.detail += access == O_RDONLY   ? ", for reading"
                      : access == O_WRONLY ? ", for writing"
                                           : ", for both";
    return Look::ipc;
  }
  // Who makes the lock file is decided here.
  if ((opening.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) &&
      (opening.flags & __O_TMPFILE) == 0) {
    pending.place = outside;
    pending.detail += ", O_EXCL";
    return Look::ipc;
  }
  const std::string shown = shown_path(run, task, *path);
  const bool is_shared = shown.starts_with(kShared) && (!there || S_ISREG(info.st_mode));
  const bool is_missing = !there && (opening.flags & O_CREAT) == 0 && is_meeting_place(shown);
  if ((opening.flags & (O_PATH | O_DIRECTORY)) != 0 || (!is_shared && !is_missing))
    return Look::pass;
  // Whether another one has made it by then is decided here.
  pending.place = outside;
  return Look::ipc;
}

// It was missing when the call trapped, and is a FIFO by now.
bool opens_fifo_now(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  struct stat info{};
  if ((static_cast<std::uint64_t>(pending.number) & O_CREAT) != 0 ||
      stat(pending.place.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode))
    return false;
  return look_open(run, task) == Look::ipc && pending.object != kNoObject;
}

void open_file(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto flags = static_cast<std::uint64_t>(pending.number);
  struct stat info{};
  const bool there = lstat(pending.place.c_str(), &info) == 0;
  std::string shown = shared_name(pending.detail);
  if (is_draft(shown, flags)) shown.clear();
  if (there && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) pending.expected = -EEXIST;
  if (!there && (flags & O_CREAT) == 0) pending.expected = -ENOENT;
  if (there && !shown.empty()) pending.object = shared_object(run, info, shown);
  run.live[task].created = !there && (flags & O_CREAT) != 0 && !shown.empty();
  std::string place = pending.place;
  kernel_acts(run, task);
  run.live[task].place = std::move(place);
}

// A blocking open of a FIFO whose other end nobody holds sleeps in the kernel: so an O_NONBLOCK
// opener of the other end sees it there, as in life (fifo(7)).
void act_open(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.object == kNoObject && !opens_fifo_now(run, task)) return open_file(run, task);
  const auto access = static_cast<std::uint64_t>(pending.number) & O_ACCMODE;
  const std::uint32_t object = pending.object;
  if (access == O_WRONLY && pending.nonblocking && !fifo_is_held(run, object, false, kNobody))
    pending.expected = -ENXIO;
  const bool blocks = access != O_RDWR && !pending.nonblocking &&
                      !fifo_is_held(run, object, access == O_RDONLY, task);
  ObjectState& state = run.objects[object];
  state.opened_for_reading |= access != O_WRONLY;
  state.opened_for_writing |= access != O_RDONLY;
  state.opened_without_writer |= access == O_RDONLY && pending.nonblocking;
  if (!blocks) return kernel_acts(run, task);
  run.sleep_in_kernel(task);
}

// Of what shm_open(3) or sem_open(3) has made.
void after_open(Run& run, std::uint32_t task, Step& step) {
  struct stat info{};
  const bool has_made = std::exchange(run.live[task].created, false);
  const std::string shown = shared_name(step.detail);
  if (!has_made || shown.empty()) return;
  if (lstat(run.live[task].place.c_str(), &info) != 0) {
    step.flags |= kUnknownResult;
    return;
  }
  step.object = shared_object(run, info, shown);
  Object& made = run.trace.objects[step.object];
  made.maker = task;
  made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

Look look_mknod(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const bool at = pending.notif.data.nr == SYS_mknodat;
  const auto path = read_string(run.process_of(task).pid, pending.address(at ? 1 : 0));
  const auto mode = static_cast<mode_t>(pending.address(at ? 2 : 1));
  if (!path || !S_ISFIFO(mode)) return Look::pass;
  pending.place =
      outside_path(run, task, at ? static_cast<int>(pending.address(0)) : AT_FDCWD, *path);
  struct stat info{};
  pending.expected = lstat(pending.place.c_str(), &info) == 0 ? -EEXIST : 0;
  if (pending.expected != 0 && S_ISFIFO(info.st_mode))
    pending.object = fifo_object(run, info, shown_path(run, task, *path));
  char text[16];
  std::snprintf(text, sizeof text, ", 0%o", mode & 07777U);
  pending.detail = quoted(shown_path(run, task, *path)) + text;
  return Look::ipc;
}

void act_mknod(Run& run, std::uint32_t task) {
  std::string place = run.pending_of(task).place;
  struct stat info{};
  // Another one may have made it since the call trapped.
  run.pending_of(task).expected = lstat(place.c_str(), &info) == 0 ? -EEXIST : 0;
  kernel_acts(run, task);
  run.live[task].place = std::move(place);
}

void after_mknod(Run& run, std::uint32_t task, Step& step) {
  struct stat info{};
  if (step.result < 0) return;
  const std::string& place = run.live[task].place;
  if (lstat(place.c_str(), &info) != 0 || !S_ISFIFO(info.st_mode)) {
    step.flags |= kUnknownResult;
    return;
  }
  const std::size_t end = step.detail.rfind(", 0");
  step.object = fifo_object(run, info, step.detail.substr(1, end - 2));
  Object& made = run.trace.objects[step.object];
  made.maker = task;
  made.mode = info.st_mode & 07777U;
  made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

// What will come of it; true if a FIFO stands there.
bool foresee_name(Pending& pending, struct stat& info) {
  const bool there = lstat(pending.place.c_str(), &info) == 0;
  const bool removes = pending.call == Call::unlink || pending.call == Call::rmdir;
  const bool makes = pending.call == Call::mkdir || pending.call == Call::link;
  pending.expected = removes && !there ? -ENOENT : makes && there ? -EEXIST : 0;
  return there && S_ISFIFO(info.st_mode);
}

// unlink, rename, link, symlink, mkdir, rmdir: one path decides, the last one for those that make a
// name.
Look look_name(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  int directory = AT_FDCWD;
  unsigned path_argument = 0;
  switch (pending.notif.data.nr) {
    case SYS_unlinkat:
    case SYS_mkdirat:
      directory = static_cast<int>(pending.address(0));
      path_argument = 1;
      break;
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_linkat:
      directory = static_cast<int>(pending.address(2));
      path_argument = 3;
      break;
    case SYS_symlinkat:
      directory = static_cast<int>(pending.address(1));
      path_argument = 2;
      break;
#ifdef SYS_rename
    case SYS_rename:
    case SYS_link:
    case SYS_symlink:
      path_argument = 1;
      break;
#endif
    default:
      break;
  }
  const auto path = read_string(run.process_of(task).pid, pending.address(path_argument));
  if (!path || is_system_path(*path)) return Look::pass;
  pending.place = outside_path(run, task, directory, *path);
  pending.detail = quoted(shown_path(run, task, *path));
  struct stat info{};
  if (foresee_name(pending, info))
    pending.object = fifo_object(run, info, shown_path(run, task, *path));
  return Look::ipc;
}

void act_name(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  std::string place = pending.place;
  struct stat info{};
  // Another one may have made or removed it since the call trapped.
  const bool is_fifo = foresee_name(pending, info);
  const bool is_shared = !shared_name(pending.detail).empty() && S_ISREG(info.st_mode);
  pending.object = is_fifo     ? run.find_object(ObjectKind::fifo, info.st_dev, info.st_ino)
                   : is_shared ? run.find_object(ObjectKind::file, info.st_dev, info.st_ino)
                               : kNoObject;
  // The name under which a semaphore was made is none of its own.
  if (is_shared && pending.object != kNoObject &&
      run.trace.objects[pending.object].name != shared_name(pending.detail))
    pending.object = kNoObject;
  kernel_acts(run, task);
  run.live[task].place = std::move(place);
}

void after_name(Run& run, std::uint32_t task, Step& step) {
  struct stat info{};
  const bool there = lstat(run.live[task].place.c_str(), &info) == 0;
  const bool removes = step.call == Call::unlink || step.call == Call::rmdir;
  if (removes && there && step.result == 0) step.flags |= kUnknownResult;
  const std::string shown = shared_name(step.detail);
  if (step.call == Call::link && step.result == 0 && there && !shown.empty()) {
    // sem_open(3) makes it under another name first.
    step.object = shared_object(run, info, shown);
    Object& made = run.trace.objects[step.object];
    made.maker = task;
    made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
  }
  if (removes && !there && step.object != kNoObject)
    run.trace.objects[step.object].removed =
        static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

// bind, listen, connect, shutdown: never block on a Unix socket whose backlog has room.
Look look_address(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (!look_descriptor(run, task, static_cast<int>(pending.address(0)))) return Look::pass;
  if (pending.call == Call::listen || pending.call == Call::shutdown) return Look::ipc;
  sockaddr_un address{};
  const std::size_t size = std::min<std::uint64_t>(pending.address(2), sizeof address);
  if (read_memory(run.process_of(task).pid, pending.address(1), &address, size) == size &&
      address.sun_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    const char* name = address.sun_path;
    pending.detail =
        quoted(name[0] == '\0' ? std::string("@") + std::string(name + 1, length - 1)
                               : shown_path(run, task, std::string(name, strnlen(name, length))));
  }
  pending.flags |= kUnknownResult;
  return Look::ipc;
}

constexpr CallRow kRows[] = {
    {SYS_openat, Call::open, look_open, nullptr, act_open, after_open},
    {SYS_openat2, Call::open, look_open, nullptr, act_open, after_open},
    {SYS_mknodat, Call::mkfifo, look_mknod, nullptr, act_mknod, after_mknod},
    {SYS_unlinkat, Call::unlink, look_name, nullptr, act_name, after_name},
    {SYS_renameat, Call::rename, look_name, nullptr, act_name, after_name},
    {SYS_renameat2, Call::rename, look_name, nullptr, act_name, after_name},
    {SYS_linkat, Call::link, look_name, nullptr, act_name, after_name},
    {SYS_symlinkat, Call::link, look_name, nullptr, act_name, after_name},
    {SYS_mkdirat, Call::mkdir, look_name, nullptr, act_name, after_name},
    {SYS_bind, Call::bind, look_address},
    {SYS_listen, Call::listen, look_address},
    {SYS_connect, Call::connect, look_address},
    {SYS_shutdown, Call::shutdown, look_address},
#ifdef SYS_open
    {SYS_open, Call::open, look_open, nullptr, act_open, after_open},
    {SYS_creat, Call::open, look_open, nullptr, act_open, after_open},
    {SYS_mknod, Call::mkfifo, look_mknod, nullptr, act_mknod, after_mknod},
    {SYS_unlink, Call::unlink, look_name, nullptr, act_name, after_name},
    {SYS_rename, Call::rename, look_name, nullptr, act_name, after_name},
    {SYS_link, Call::link, look_name, nullptr, act_name, after_name},
    {SYS_symlink, Call::link, look_name, nullptr, act_name, after_name},
    {SYS_mkdir, Call::mkdir, look_name, nullptr, act_name, after_name},
    {SYS_rmdir, Call::rmdir, look_name, nullptr, act_name, after_name},
#endif
};

}  // namespace

std::span<const CallRow> file_rows() { return kRows; }

}  // namespace pipewrench
