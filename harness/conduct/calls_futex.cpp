// Threads: futex(2) with wait lists of our own, so that which waiter wakes is a decision and runs
// repeat. What the library does with an uncontended lock never enters the kernel and is not seen.
// SPDX-License-Identifier: MIT
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"

namespace pipewrench {
namespace {

struct Key {
  std::uint64_t a = 0, b = 0;
  std::uint64_t device = 0, inode = 0;  // of a shared one
};

// A private futex is an address of the process's program; a shared one is a place in a file or
// segment, wherever it is mapped.
Key key_of(Run& run, std::uint32_t task, std::uint64_t address, bool is_private) {
  const Process& process = run.process_of(task);
  const Key own{(1ULL << 63) | std::uint64_t{process.images} << 32 | run.live[task].process,
                address};
  if (is_private) return own;
  char path[48], line[512];
  std::snprintf(path, sizeof path, "/proc/%d/maps", process.pid);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
  while (file && std::fgets(line, sizeof line, file.get()) != nullptr) {
    std::uint64_t from = 0, to = 0, offset = 0, inode = 0;
    unsigned major = 0, minor = 0;
    char mode[5] = {};
    if (std::sscanf(line, "%lx-%lx %4s %lx %x:%x %lu", &from, &to, mode, &offset, &major, &minor,
                    &inode) != 7)
      continue;
    if (address < from || address >= to) continue;
    if (mode[3] != 's') return own;
    return {
        (static_cast<std::uint64_t>(major) << 40 | static_cast<std::uint64_t>(minor) << 48) ^ inode,
        offset + (address - from), makedev(major, minor), inode};
  }
  return own;
}

int operation_of(const Pending& pending) {
  return static_cast<int>(pending.address(1)) & FUTEX_CMD_MASK;
}

std::uint32_t futex_object(Run& run, std::uint32_t task, std::uint64_t address) {
  const bool is_private = (run.pending_of(task).address(1) & FUTEX_PRIVATE_FLAG) != 0;
  const Key key = key_of(run, task, address, is_private);
  std::string name = "futex#";
  const std::uint32_t file =
      key.inode == 0 ? kNoObject : run.find_object(ObjectKind::file, key.device, key.inode);
  if (file != kNoObject) name = "futex " + run.trace.objects[file].name;
  if (file != kNoObject && key.b != 0) name += '+' + std::to_string(key.b);
  return run.object_of(ObjectKind::futex, key.a, key.b, name);
}

void set_due(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.address(3) == 0) return;
  const auto limit = read_value<timespec>(run.process_of(task).pid, pending.address(3));
  if (!limit) return;
  const auto limit_ns = static_cast<std::uint64_t>(limit->tv_sec) * 1'000'000'000 +
                        static_cast<std::uint64_t>(limit->tv_nsec);
  if (operation_of(pending) == FUTEX_WAIT) {  // relative; all others are absolute
    pending.due_ns = run.now_ns + limit_ns;
    return;
  }
  const bool real = (pending.address(1) & FUTEX_CLOCK_REALTIME) != 0;
  const std::uint64_t zero = real ? kRealtimeStart_ns : kMonotonicStart_ns;
  pending.due_ns = limit_ns > zero ? limit_ns - zero : 0;
}

Look look_futex(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  switch (operation_of(pending)) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
      pending.detail = "wait";
      set_due(run, task);
      break;
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
      pending.detail = "wake";
      break;
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      pending.detail = "requeue";
      break;
    case FUTEX_WAKE_OP:
      pending.detail = "wake_op";
      break;
    default:
      return Look::pass;  // priority inheritance: the kernel's, and unmanaged if it sleeps
  }
  pending.object = futex_object(run, task, pending.address(0));
  return Look::ipc;
}

bool is_wait(const Pending& pending) {
  return operation_of(pending) == FUTEX_WAIT || operation_of(pending) == FUTEX_WAIT_BITSET;
}

bool value_differs(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const auto value = read_value<std::uint32_t>(run.process_of(task).pid, pending.address(0));
  return !value || *value != static_cast<std::uint32_t>(pending.address(2));
}

bool can_futex(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (!is_wait(pending) || pending.woken) return true;
  return !pending.entered && value_differs(run, task);
}

// Wakes up to `most` waiters of the object, those who came first first; the one that the plan names
// before them.
std::int64_t wake(Run& run, std::uint32_t object, std::uint64_t most, std::uint32_t preferred) {
  std::int64_t woken = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> waiters;
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    const Live& one = run.live[task];
    if (one.state == State::parked && one.pending.call == Call::futex && is_wait(one.pending) &&
        one.pending.object == object && one.pending.entered && !one.pending.woken)
      waiters.emplace_back(task == preferred ? 0 : one.pending.since, task);
  }
  std::ranges::sort(waiters);
  for (const auto& [since, task] : waiters) {
    if (static_cast<std::uint64_t>(woken) >= most) break;
    run.live[task].pending.woken = true;
    ++woken;
  }
  return woken;
}

void act_wake(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const std::uint64_t most = static_cast<std::uint32_t>(pending.address(2));
  const int operation = operation_of(pending);
  if (operation == FUTEX_WAKE_OP) {
    // The kernel changes the word and wakes nobody, since nobody sleeps there: all who wait here
    // look again. A wake-up without cause is allowed (futex(2)).
    wake(run, pending.object, UINT64_MAX, kNobody);
    wake(run, futex_object(run, task, pending.address(4)), UINT64_MAX, kNobody);
    return kernel_acts(run, task);
  }
  if (operation == FUTEX_CMP_REQUEUE) {
    const auto value = read_value<std::uint32_t>(run.process_of(task).pid, pending.address(0));
    if (!value || *value != static_cast<std::uint32_t>(pending.address(5))) {
      run.record(task, -EAGAIN);
      run.answer(task, -EAGAIN);
      return;
    }
  }
  std::int64_t count = wake(run, pending.object, most, pending.preferred);
  if (operation == FUTEX_REQUEUE || operation == FUTEX_CMP_REQUEUE) {
    const std::uint32_t target = futex_object(run, task, pending.address(4));
    std::uint64_t moves = static_cast<std::uint32_t>(pending.address(3));
    for (Live& one : run.live) {
      if (moves == 0) break;
      if (one.state != State::parked || one.pending.call != Call::futex || !is_wait(one.pending) ||
          one.pending.object != pending.object || one.pending.woken || !one.pending.entered)
        continue;
      one.pending.object = target;
      --moves;
      ++count;
    }
  }
  run.record(task, count);
  run.answer(task, count);
}

void act_futex(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (!is_wait(pending)) return act_wake(run, task);
  std::int64_t result = 0;
  if (!pending.woken) result = pending.timed_out ? -ETIMEDOUT : pending.entered ? -EINTR : -EAGAIN;
  // A signal: the kernel would restart a wait without time-out after the handler (SA_RESTART does
  // not matter).
  run.record(task, result, pending.timed_out ? kTimedOut : std::uint16_t{0});
  run.answer(task, result);
}

constexpr CallRow kRows[] = {
    {SYS_futex, Call::futex, look_futex, can_futex, act_futex},
};

}  // namespace

std::uint32_t owner_of_futex(Run& run, std::uint32_t task) {
  constexpr std::uint64_t kOwner = 8;      // in pthread_mutex_t, behind lock and count
  constexpr std::uint32_t kContended = 2;  // its lock, with somebody waiting
  const Pending& pending = run.pending_of(task);
  const pid_t pid = run.process_of(task).pid;
  const auto word = read_value<std::uint32_t>(pid, pending.address(0));
  if (!is_wait(pending) || !word) return kNobody;
  std::uint32_t owner = 0;
  bool is_join = false;
  if (*word == kContended)
    owner = read_value<std::uint32_t>(pid, pending.address(0) + kOwner).value_or(0);
  else if ((*word & FUTEX_WAITERS) != 0)
    owner = *word & FUTEX_TID_MASK;  // of a robust one
  else if ((pending.address(1) & FUTEX_PRIVATE_FLAG) == 0)
    owner = *word, is_join = true;
  std::uint32_t found = kNobody;
  for (std::uint32_t other = 0; owner != 0 && other < run.live.size(); ++other) {
    const Live& one = run.live[other];
    const bool is_own = one.process == run.live[task].process;
    if (static_cast<std::uint32_t>(one.inner) != owner) continue;
    if (!is_join || (is_own && run.trace.tasks[other].thread)) found = other;
  }
  return found;
}

std::span<const CallRow> futex_rows() { return kRows; }

}  // namespace pipewrench
