// Trace: what every task did, in order, with result, virtual time and what was injected. Plain
// data: the conductor writes it, the oracles and reports read it. PIDs, ids and addresses are no
// part of it: objects and tasks have names, so that the same run gives the same trace.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/plan.h"
#include "harness/syscalls/table.h"

namespace pipewrench {

inline constexpr std::uint32_t kNobody = UINT32_MAX;
inline constexpr std::uint32_t kNoObject = UINT32_MAX;

enum class ObjectKind : std::uint8_t {
  pipe,
  fifo,
  queue,
  segment,
  semaphore,
  socket,
  eventfd,
  signalfd,
  timerfd,
  futex,
  file,
  directory,
  tty,
  pidfd,
  mqueue,
};
struct Object {
  ObjectKind kind = ObjectKind::pipe;
  std::string name{};  // "pipe#1", "fifo ./room", "queue 0x1234", "queue#2" (IPC_PRIVATE)
  std::uint32_t maker = kNobody;       // task; kNobody: the scenario's set-up
  std::uint32_t mode = 0;              // permission bits that it was made with, after the umask
  std::uint32_t made = 0;              // step
  std::uint32_t removed = UINT32_MAX;  // step of IPC_RMID or unlink; UINT32_MAX: never
  bool operator==(const Object&) const = default;
};

struct Task {
  std::string name{};              // "writer", "demo1/1", "server:2"
  std::uint32_t peer = 0;          // index in Scenario::peers of whom it descends
  std::uint32_t parent = kNobody;  // task
  bool thread = false;             // not the first of its process
  bool alive = false;              // when the run ended, before the tear-down
  bool killed_by_plan = false;
  bool reaped = true;  // false: a zombie that its living parent never waited for
  int status = 0;      // wait(2)'s, once dead; of a peer also after the tear-down
  std::uint32_t born = 0, died = UINT32_MAX;  // steps
  bool operator==(const Task&) const = default;
};

enum class Event : std::uint8_t {
  call,       // a call on an IPC object, n-th of its task
  waits,      // the call of this n cannot go on yet: the task blocks in it
  delivered,  // a signal's handler runs; number is the signal; see kDuring
  stored,     // the content of a segment has changed since the last step, by this task
  born,       // the task's first step
  exec,       // the task runs another program: detail
  died,       // result is wait(2)'s status
  restarted,  // by the plan
  timer,      // a virtual timer of the task has come
  teardown,   // from here on what is left is told to end
  unmanaged,  // detail says why: a call that is not modelled, a spin in user space
};

// Flags of a Step.
inline constexpr std::uint16_t
    kInjected = 1,        // the result was made by the plan
    kShort = 2,           // a transfer smaller than asked
    kCoalesced = 4,       // a signal sent while the same was pending: it is lost
    kDuring = 8,          // delivered in a call, which may then fail EINTR
    kNonblocking = 16,    // O_NONBLOCK, IPC_NOWAIT, WNOHANG, a zero time-out
    kUnknownResult = 32,  // the kernel did it and did not tell
    kWildTarget = 64,     // kill of what is no live peer: 0, -1, a group, a dead or foreign PID
    kTimedOut = 128,
    kTransparent = 256;  // injected, and a right program's behaviour must not change (short, EINTR)

struct Step {
  Event event = Event::call;
  Call call = Call::count_;
  std::uint16_t flags = 0;
  std::uint32_t task = kNobody;
  std::uint32_t n = 0;  // 0 where no call is meant
  std::uint32_t object = kNoObject;
  std::uint32_t other = kNobody;  // task: target of kill, child of fork or wait
  std::int64_t result = 0;        // >= 0, or -errno
  std::int64_t number = 0;        // mtype, signal number, semaphore change
  std::uint64_t asked = 0;        // bytes wanted of a transfer; msgsz
  std::uint64_t message = 0;      // of queues and datagrams: serial number in its object, from 1
  std::uint64_t time_ns = 0;      // virtual, since the start
  std::string detail{};  // arguments for people: `fd 3, "hello"`; bytes as C escapes, bounded
  std::string data{};    // what was transferred, at most kTraceData bytes; a semaphore set's values
  std::string rest{};    // of a short write: what was asked for and not taken, at most kTraceData
  std::vector<std::uint16_t> others{};  // tasks that could have run instead, in order
  std::uint32_t legal = 0;  // bit 1 << Deviate: what this kernel could have done to this call
  std::vector<int> legal_errors{};  // errnos of Deviate::fail, realism linux, in the table's order
  bool operator==(const Step&) const = default;
};
inline constexpr std::uint32_t kTraceData = 256;

enum class Ending : std::uint8_t { exited, at_rest, step_limit, time_limit, harness_error };

// A task that is blocked when the run ends, before the tear-down.
struct Waiting {
  std::uint32_t task = kNobody;
  std::uint32_t step = 0;                // its Event::waits
  std::vector<std::uint32_t> holders{};  // tasks: of a pipe's other end, of the lock; the child
  bool operator==(const Waiting&) const = default;
};

// What is left after the tear-down; of kind pipe: an end that its holder, at rest before it, can
// never use again.
struct Leftover {
  ObjectKind kind = ObjectKind::file;
  std::string name{};
  std::uint32_t maker = kNobody;  // task; of a pipe's end its holder
  bool process = false;           // a process that outlived the tear-down; name is the task's
  bool operator==(const Leftover&) const = default;
};

struct Output {
  // As the peer wrote them: hostile bytes, bounded by Limits::output_bytes.
  std::string out{}, err{};
  bool cut = false;
  bool operator==(const Output&) const = default;
};

struct Trace {
  std::vector<Task> tasks{};
  std::vector<Object> objects{};
  std::vector<Step> steps{};
  std::vector<Waiting> waiting{};
  std::vector<Leftover> leftovers{};
  std::vector<Output> outputs{};  // one for each of Scenario::peers
  Plan plan{};                    // the deviations that were made, in order: replays this run
  Plan unused{};                  // those of the given plan that never came to pass
  Ending ending = Ending::exited;
  std::uint32_t unmanaged = 0;  // how many times something was not under control
  std::string error{};          // of Ending::harness_error
  bool operator==(const Trace&) const = default;
};

}  // namespace pipewrench
