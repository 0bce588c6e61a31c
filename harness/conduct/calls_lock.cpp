// Locks on files: fcntl(F_SETLKW), lockf(3), open file description locks, flock(2). Who would block
// waits here; only then does the kernel set the lock. Who asks for the holder has his turn too, for
// what he does next hangs on it. Unlocking passes.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"

namespace pipewrench {
namespace {

bool is_of_process(const Pending& pending) {
  return pending.call == Call::fcntl && pending.address(1) == F_SETLKW;
}

std::uint32_t task_of_pid(const Run& run, pid_t pid) {
  for (const Process& process : run.processes)
    if (process.pid == pid && !process.dead) return process.main;
  return kNobody;
}

bool look_file(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  struct stat info{};
  look_descriptor(run, task, static_cast<int>(pending.address(0)));
  if (!pending.duplicate || fstat(pending.duplicate.get(), &info) != 0) return false;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return false;
  std::string path = run.peer_path(path_of(pending.duplicate.get()));
  if (path.ends_with(" (deleted)")) path.resize(path.size() - 10);
  pending.object = run.object_of(ObjectKind::file, info.st_dev, info.st_ino, "lock " + path);
  return true;
}

bool is_question(const Pending& pending) {
  return pending.call == Call::fcntl &&
         (pending.address(1) == F_GETLK || pending.address(1) == F_OFD_GETLK);
}

Look look_fcntl(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto wanted = read_value<struct flock>(run.process_of(task).pid, pending.address(2));
  if (!wanted || wanted->l_type == F_UNLCK || !look_file(run, task)) return Look::pass;
  pending.detail = is_question(pending)        ? "who holds it"
                   : wanted->l_type == F_RDLCK ? "shared"
                                               : "exclusive";
  if (wanted->l_start != 0 || wanted->l_len != 0) {
    char range[80];
    std::snprintf(range, sizeof range, ", bytes %ld+%ld", wanted->l_start, wanted->l_len);
    pending.detail += range;
  }
  return Look::ipc;
}

Look look_flock(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto operation = static_cast<int>(pending.address(1));
  if ((operation & (LOCK_UN | LOCK_NB)) != 0 || !look_file(run, task)) return Look::pass;
  pending.detail = (operation & LOCK_SH) != 0 ? "shared" : "exclusive";
  return Look::ipc;
}

struct Range {
  std::uint64_t first = 0, last = UINT64_MAX;
};

// fcntl(2): l_len 0 is to the end, however far; below 0 it lies before l_start.
Range range_of(const struct flock& wanted, int file) {
  struct stat info{};
  off_t from = wanted.l_start;
  if (wanted.l_whence == SEEK_CUR) from += lseek(file, 0, SEEK_CUR);
  if (wanted.l_whence == SEEK_END && fstat(file, &info) == 0) from += info.st_size;
  const off_t first = wanted.l_len < 0 ? from + wanted.l_len : from;
  const off_t last = wanted.l_len < 0 ? from - 1 : from + wanted.l_len - 1;
  return {static_cast<std::uint64_t>(first),
          wanted.l_len == 0 ? UINT64_MAX : static_cast<std::uint64_t>(last)};
}

// Who, of other processes, has a lock of that kind in the way (proc_locks(5)).
std::uint32_t other_holder(const Run& run, std::uint32_t task, std::string_view kind, bool shared,
                           const Range& range) {
  const auto [device, inode] = run.identity_of(run.live[task].pending.object);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/locks", "re"), &std::fclose);
  char line[256], found[16], mode[16], end[24];
  while (file && std::fgets(line, sizeof line, file.get()) != nullptr) {
    int pid = 0;
    unsigned major = 0, minor = 0;
    unsigned long number = 0, first = 0;
    if (std::sscanf(line, "%*s %15s %*s %15s %d %x:%x:%lu %lu %23s", found, mode, &pid, &major,
                    &minor, &number, &first, end) != 8)
      continue;  // "->": waits itself
    if (found != kind || makedev(major, minor) != device || number != inode) continue;
    const std::uint64_t last =
        std::string_view(end) == "EOF" ? UINT64_MAX : std::strtoull(end, nullptr, 10);
    if (last < range.first || first > range.last) continue;
    if (shared && std::string_view(mode) == "READ") continue;
    const std::uint32_t holder = task_of_pid(run, pid);
    if (holder != kNobody && run.live[holder].process != run.live[task].process) return holder;
  }
  return kNobody;
}

// True if the call would block; Pending::other is then who holds what it wants, if that is known.
bool blocks_fcntl(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const pid_t pid = run.process_of(task).pid;
  const auto wanted = read_value<struct flock>(pid, pending.address(2));
  if (!wanted) return false;  // EFAULT
  struct flock found = *wanted;
  found.l_pid = 0;
  const int file = pending.duplicate.get();
  const int ask = is_of_process(pending) ? F_GETLK : F_OFD_GETLK;
  if (fcntl(file, ask, &found) != 0 || found.l_type == F_UNLCK) return false;
  // The first in the way may be its own, which it may change if no other has one too.
  const bool is_own = is_of_process(pending) && found.l_pid == pid;
  pending.other =
      is_own ? other_holder(run, task, "POSIX", wanted->l_type == F_RDLCK, range_of(*wanted, file))
             : task_of_pid(run, found.l_pid);
  return !is_own || pending.other != kNobody;
}

// The same file opened once more tells without taking; what is in the way may be a lock of the
// caller's own open file, which it may change.
bool blocks_flock(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const int operation = static_cast<int>(pending.address(1)) | LOCK_NB;
  char path[32];
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", pending.duplicate.get());
  const Fd own(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!own || flock(own.get(), operation) == 0 || errno != EWOULDBLOCK) return false;
  if (flock(pending.duplicate.get(), operation) == 0 || errno != EWOULDBLOCK) return false;
  pending.other = other_holder(run, task, "FLOCK", (operation & LOCK_SH) != 0, {});
  return true;
}

// fcntl(2), EDEADLK: whom it waits for waits, by others or not, for a lock of its own process.
bool closes_ring(const Run& run, std::uint32_t task) {
  std::uint32_t holder = run.live[task].pending.other;
  for (std::size_t steps = 0; steps < run.processes.size() && holder != kNobody; ++steps) {
    if (run.live[holder].process == run.live[task].process) return true;
    const auto waits = std::ranges::find_if(run.live, [&](const Live& one) {
      return one.process == run.live[holder].process && one.state == State::parked &&
             one.pending.entered && one.pending.row != nullptr && is_of_process(one.pending);
    });
    holder = waits == run.live.end() ? kNobody : waits->pending.other;
  }
  return false;
}

bool blocks(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.other = kNobody;
  return pending.call == Call::fcntl ? blocks_fcntl(run, task) : blocks_flock(run, task);
}

bool can_lock(Run& run, std::uint32_t task) {
  if (is_question(run.pending_of(task)) || !blocks(run, task)) return true;
  return is_of_process(run.pending_of(task)) && closes_ring(run, task);
}

void act_lock(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (is_question(pending)) return kernel_acts(run, task);
  const bool is_ring = blocks(run, task) && is_of_process(pending) && closes_ring(run, task);
  pending.other = kNobody;
  if (!is_ring) return kernel_acts(run, task);
  run.record(task, -EDEADLK);
  run.answer(task, -EDEADLK);
}

constexpr CallRow kRows[] = {
    {SYS_fcntl, Call::fcntl, look_fcntl, can_lock, act_lock, nullptr, 1, F_SETLKW},
    {SYS_fcntl, Call::fcntl, look_fcntl, can_lock, act_lock, nullptr, 1, F_OFD_SETLKW},
    {SYS_fcntl, Call::fcntl, look_fcntl, can_lock, act_lock, nullptr, 1, F_GETLK},
    {SYS_fcntl, Call::fcntl, look_fcntl, can_lock, act_lock, nullptr, 1, F_OFD_GETLK},
    {SYS_flock, Call::flock, look_flock, can_lock, act_lock},
};

}  // namespace

std::span<const CallRow> lock_rows() { return kRows; }

}  // namespace pipewrench
