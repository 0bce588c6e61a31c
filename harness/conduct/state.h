// What the conductor remembers of processes, tasks and their calls during a run. Plain data.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/seccomp.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/conduct/proc.h"
#include "harness/conduct/timer.h"
#include "harness/core/fd.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

struct CallRow;

inline constexpr std::uint32_t kMaxTasks = 4096;  // a peer that forks without end

struct Action {  // what sigaction(2) installed
  bool caught = false;
  bool restart = false;  // SA_RESTART
  bool ignored = false;
  std::uint64_t handler = 0;  // its address
};

struct Process {
  pid_t pid = 0;    // in the worker's PID namespace
  pid_t inner = 0;  // as the peers see it
  Fd pidfd;
  std::uint32_t main = kNobody;    // task
  std::uint32_t parent = kNobody;  // process; kNobody: the stage
  std::uint32_t peer = 0;
  bool ended = false;  // its pidfd has said so; dead once this is in the trace
  bool dead = false, reaped = false;
  std::optional<int> status;         // wait(2)'s, if it was read before that
  bool signal_hint = false;          // some may be pending
  std::uint64_t signal_version = 1;  // counts what may have changed that
  std::uint32_t threads_alive = 1;
  std::uint32_t forks = 0, threads = 1;  // for names
  std::array<Action, 65> actions{};
  std::vector<Timer> timers;
  int timers_made = 0;       // by timer_create: the id of the next one
  std::uint64_t vdso = 0;    // address of the patched vDSO of this program
  std::uint32_t images = 0;  // programs that it has run before
  bool in_exec = false;
  bool tracer = false;                // LeakSanitizer's: stops its parent with ptrace to scan it
  std::uint32_t traced_by = kNobody;  // such a process, until it is waited for
  bool waits_for_tracer = false;
  bool debugged = false;  // by a person
  bool looked_at_image = false;
  std::uint64_t death_looked = 0;  // signal_version at which we looked whether it is dying
};

// A call that a task is parked at.
struct Pending {
  seccomp_notif notif{};
  const CallRow* row = nullptr;
  Call call = Call::count_;
  std::uint32_t n = 0;
  std::uint32_t object = kNoObject;
  std::uint32_t other = kNobody;
  Fd duplicate;  // of the descriptor that the call is about
  int fd = -1;
  std::uint64_t asked = 0;
  std::uint64_t done = 0;  // bytes of a write that blocks in its middle
  std::int64_t number = 0;
  std::uint64_t due_ns = kNever;  // time-out, on the virtual clock
  bool nonblocking = false;
  bool is_wrong_end = false;     // the descriptor's, for this call: EBADF, at once
  bool is_random = false;        // the descriptor is /dev/random or /dev/urandom
  bool offered = false;          // the policy was asked about it
  bool entered = false;          // it had its turn and blocked: a signal now comes during the call
  std::uint64_t shorten_to = 0;  // bytes; 0: as many as there are
  bool woken = false;            // a futex
  std::uint64_t since = 0;       // order in which waiters came
  std::uint32_t preferred = kNobody;  // task that the plan wants woken first
  bool timed_out = false;             // its turn has come because of due_ns
  bool forced_time_out = false;       // by the plan, though it may be ready
  short room = 0;                     // what poll(2) said of the pipe when it was asked last
  std::uint64_t tried = 0;  // version of the object at which a small write found no room, + 1
  std::string detail;
  std::string place;          // a path, from outside
  std::int64_t expected = 0;  // result of a call that the kernel does
  std::uint16_t flags = 0;
  std::uint64_t address(unsigned i) const { return notif.data.args[i]; }
};

enum class State : std::uint8_t {
  running,  // in user space, or on its way to the next trap
  arrived,  // at a trap that nobody has looked at yet
  parked,   // at a trapped call, waits for our answer
  asleep,   // in the kernel, in a call that is not modelled, or stopped
  dead,
};

struct Live {
  pid_t tid = 0;
  pid_t inner = 0;  // as the peers see it
  std::uint32_t process = 0;
  State state = State::running;
  std::uint32_t calls = 0;  // n of the last call
  TaskStatus signals;       // as of signals_version
  std::uint64_t signals_version = 0;
  Pending pending;
  std::uint32_t after_step = UINT32_MAX;  // step whose result is seen when the task comes back
  // For the row's after().
  std::string place;
  int wanted_id = -1;
  bool created = false;
  Pending slept;              // asleep: the call in which the kernel holds it
  std::uint32_t births = 0;   // newcomers that its clone calls still owe us
  bool falls_asleep = false;  // running towards a sleep in the kernel that we expect
  bool newborn = false;       // a thread or fork that has not trapped yet
  bool kill_at_next = false;  // by the plan, once the call is done
  bool spins = false;         // in user space, beyond the limit: others go on beside it
  bool exiting = false;       // a thread in exit(2)
  bool yielded = false;       // sched_yield: others first
  bool stop_news = false;     // stopped or continued, and its parent was not told
  bool births_tracer = false;
  std::array<Action, 65> births_actions{};  // as the newcomer inherits them
  std::uint32_t birth_step = UINT32_MAX;    // of the clone call that owes the newcomer
  bool vforking = false;                    // waits in the kernel for the child's exec or end
  std::uint32_t vfork_child = kNobody;      // for whom
  std::uint64_t ticks = 0;                  // CPU time when it was last let go on
  std::uint32_t passes = 0;                 // calls in a row that passed
  std::uint32_t same_reads = 0;             // of these the last ones, reads of the same descriptor
  std::uint64_t last_read = 0;              // that one
  bool was_at_end = false;                  // half-way it stood at its file's end
  std::uint32_t idle_steps = 0;             // steps in a row that moved nothing
  Fd stat;                                  // of /proc, once it was looked at
  std::uint64_t ready_looked = 0;           // Scheduler::looks when it was asked last
  bool ready = false;
  std::uint64_t random_state = 0;  // 0: nothing was asked for yet
};

}  // namespace pipewrench
