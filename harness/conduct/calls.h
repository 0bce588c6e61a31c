// The table of calls that trap, one row each, in calls_*.cpp by kind of object.
//   look   when it traps: what it is about. Cheap: the loader's file opens come here too.
//   ready  whether it could go on now without blocking
//   act    its turn has come: do it, answer, record the step
//   after  the kernel did it and the task is back: what came of it
// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>

#include "harness/conduct/run.h"
#include "harness/syscalls/table.h"

namespace pipewrench {

enum class Look : std::uint8_t {
  ipc,       // counts, and is scheduled
  pass,      // none of our business: the kernel does it now
  answered,  // none of the plan's business: look() has answered it
};

struct CallRow {
  int number;  // __NR_
  Call call;
  Look (*look)(Run&, std::uint32_t task);
  bool (*ready)(Run&, std::uint32_t task) = nullptr;  // none: always
  void (*act)(Run&, std::uint32_t task) = nullptr;    // none: the kernel, result Pending::expected
  void (*after)(Run&, std::uint32_t task, Step& step) = nullptr;
  int only_with_argument = -1;   // traps only if this argument is not 0
  std::uint64_t only_value = 0;  // ... or, if this is not 0, equals it
};

std::span<const CallRow> call_rows();
const CallRow* call_row(int number);

// The parts of the table.
std::span<const CallRow> stream_rows();
std::span<const CallRow> file_rows();
std::span<const CallRow> sysv_rows();
std::span<const CallRow> signal_rows();
std::span<const CallRow> wait_rows();
std::span<const CallRow> time_rows();
std::span<const CallRow> process_rows();
std::span<const CallRow> futex_rows();
std::span<const CallRow> lock_rows();
std::span<const CallRow> mqueue_rows();
// kNoObject: the descriptor is no POSIX queue.
std::uint32_t mqueue_object(Run& run, int own_fd);
// POSIX queues that exist now, as Leftovers, and their removal.
void collect_mqueues(Run& run);

// --- shared by the rows ---
// Takes a duplicate of the task's descriptor and names its object. False: not an IPC object (a
// regular file, a device), or no descriptor at all.
bool look_descriptor(Run& run, std::uint32_t task, int fd);
std::string path_of(int own_fd);  // as the kernel names it; "" if it does not
// What poll(2) says of a descriptor of the task now; signalfd by the task's own pending signals,
// which a duplicate would not see (signalfd(2)). 0: not ready; POLLNVAL: no such descriptor.
short poll_descriptor(Run& run, std::uint32_t task, int fd, short events);
// Who took the semaphore that the task waits for, and who owns the mutex (nptl's layout) or is the
// thread that it joins; kNobody where that is not known.
std::uint32_t holder_of_semaphore(Run& run, std::uint32_t task);
std::uint32_t owner_of_futex(Run& run, std::uint32_t task);
// Of a file; Pending::other is then who holds it.
inline bool is_lock(Call call) { return call == Call::fcntl || call == Call::flock; }
// Lets the kernel do it and records the step with the result that is expected.
void kernel_acts(Run& run, std::uint32_t task);
// So many calls that pass or are answered make somebody who does nothing else: the next ones are
// the kernel's, and counted like all that pass.
inline constexpr std::uint32_t kMostRandomReads = 100'000;
std::string quoted(std::string_view bytes);  // "hello\n" as a C string, bounded
std::uint64_t virtual_realtime_ns(const Run& run);
std::uint64_t virtual_monotonic_ns(const Run& run);
inline constexpr std::uint64_t kRealtimeStart_ns = 2'000'000'000ULL * 1'000'000'000;
inline constexpr std::uint64_t kMonotonicStart_ns = 1'000ULL * 1'000'000'000;
// Virtual time of a timer or clock; -1: a clock that is not virtual (CPU time).
std::int64_t virtual_clock_ns(const Run& run, int clock);

// What Linux could do to the pending call in this state: fills legal, errors and the bounds of a
// short transfer.
struct Legal {
  std::uint32_t kinds = 0;
  std::vector<int> errors;
  std::uint64_t shortest = 0, longest = 0;
};
Legal legal_of(const Run& run, std::uint32_t task, bool ready);

}  // namespace pipewrench
