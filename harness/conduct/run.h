// One run of the peers: who lives, what each is parked at, what the clock says. The rows of calls.h read and change it;
// schedule.cpp drives it. Everything here dies with the run.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/seccomp.h>
#include <sys/stat.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/conduct/policy.h"
#include "harness/conduct/proc.h"
#include "harness/core/fd.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

struct CallRow;
class Stage;

inline constexpr std::uint64_t kNever = UINT64_MAX;
inline constexpr std::uint32_t kMaxTasks = 4096;  // a peer that forks without end

struct Action {  // what sigaction(2) installed
  bool caught = false;
  bool restart = false;  // SA_RESTART
  bool ignored = false;
};

// A timer of a process on the virtual clock: alarm, setitimer, timer_settime, timerfd_settime.
struct Timer {
  enum class Kind : std::uint8_t { real, posix, descriptor } kind = Kind::real;
  int id = 0;  // of timer_create; number of the timerfd
  std::uint64_t due_ns = kNever;
  std::uint64_t interval_ns = 0;
  int signal = SIGALRM;  // 0: none
  int clock = CLOCK_MONOTONIC;
  pid_t thread = 0;         // SIGEV_THREAD_ID; 0: the process
  std::uint64_t value = 0;  // sigev_value
  Fd duplicate;             // of the timerfd
};

struct Process {
  pid_t pid = 0;    // in the worker's PID namespace
  pid_t inner = 0;  // as the peers see it
  Fd pidfd;
  std::uint32_t main = kNobody;    // task
  std::uint32_t parent = kNobody;  // process; kNobody: the stage
  std::uint32_t peer = 0;
  bool dead = false, reaped = false;
  bool signal_hint = false;          // some may be pending
  std::uint64_t signal_version = 1;  // counts what may have changed that
  std::uint32_t threads_alive = 1;
  std::uint32_t forks = 0, threads = 1;  // for names
  std::array<Action, 65> actions{};
  std::vector<Timer> timers;
  int timers_made = 0;     // by timer_create: the id of the next one
  std::uint64_t vdso = 0;  // address of the patched vDSO of this program
  bool in_exec = false;
  bool tracer = false;                // LeakSanitizer's: stops its parent with ptrace to scan it
  std::uint32_t traced_by = kNobody;  // such a process, while it lives
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
  bool offered = false;          // the policy was asked about it
  bool entered = false;          // it had its turn and blocked: a signal now comes during the call
  std::uint64_t shorten_to = 0;  // bytes; 0: as many as there are
  bool woken = false;            // a futex
  std::uint64_t since = 0;       // order in which waiters came
  std::uint32_t preferred = kNobody;  // task that the plan wants woken first
  bool timed_out = false;             // its turn has come because of due_ns
  bool forced_time_out = false;       // by the plan, though it may be ready
  std::uint64_t tried = 0;  // version of the object at which a small write found no room, + 1
  std::string detail;
  std::string place;          // a path, from outside
  std::int64_t expected = 0;  // result of a call that the kernel does
  std::uint16_t flags = 0;
  std::uint64_t address(unsigned i) const { return notif.data.args[i]; }
};

enum class State : std::uint8_t {
  running,  // in user space, or on its way to the next trap
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
  std::uint32_t birth_step = UINT32_MAX;  // of the clone call that owes the newcomer
  bool vforking = false;                  // waits in the kernel for the child's exec or end
  std::uint32_t vfork_child = kNobody;    // for whom
  std::uint64_t ticks = 0;                // CPU time when it was last let go on
  std::uint32_t idle_steps = 0;           // steps in a row that moved nothing
};

struct Letter {  // a message that waits in a queue
  long type = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t serial = 0;
  std::string text;  // at most kTraceData bytes
};

// What the conductor remembers of an object beside its Trace::objects row.
struct ObjectState {
  std::uint64_t version = 0;            // counts what happened to it
  std::uint64_t written = 0, read = 0;  // bytes, or messages
  std::vector<std::uint64_t> chunks;    // sizes of the writes that are still in the pipe
  int id = -1;                          // System V id
  std::uint64_t device = 0, inode = 0;
  std::uint64_t content = 0;  // hash of a segment
  bool content_known = false;
  std::uint64_t size_bytes = 0;    // of a segment
  std::deque<Letter> letters;      // of a queue, oldest first
  std::uint64_t serial = 0;        // of the last message sent
  std::uint32_t holder = kNobody;  // task that last took a semaphore
};

// A segment in a process's memory.
struct Attachment {
  std::uint32_t process = 0;
  std::uint32_t object = kNoObject;
  std::uint64_t address = 0;
};

class Run {
 public:
  Run(const Scenario& scenario, Policy& policy, Stage& stage, Trace& trace, std::uint64_t seed);
  void go();

  // --- used by the rows of calls.h ---
  Trace& trace;
  const Scenario& scenario;
  Stage& stage;
  std::vector<std::string> programs;  // absolute paths, beside scenario.peers
  std::vector<Process> processes;
  std::vector<Live> live;            // beside trace.tasks
  std::vector<ObjectState> objects;  // beside trace.objects
  std::vector<Attachment> attached;
  std::array<int, 3> next_ids{};  // of System V objects, by Stage::kMsg, kSem, kShm
  std::uint64_t now_ns = 0;
  std::uint64_t random_state;

  Process& process_of(std::uint32_t task) { return processes[live[task].process]; }
  Pending& pending_of(std::uint32_t task) { return live[task].pending; }
  std::uint32_t task_of_inner(pid_t inner) const;  // main task of a live process; kNobody
  // A name that ends in '#' gets the next number of its kind: "pipe#" becomes "pipe#3".
  std::uint32_t object_of(ObjectKind kind, std::uint64_t a, std::uint64_t b,
                          const std::string& name);
  std::pair<std::uint64_t, std::uint64_t> identity_of(std::uint32_t object) const;
  std::uint32_t find_object(ObjectKind kind, std::uint64_t a,
                            std::uint64_t b) const;                       // or kNoObject
  void forget_attachments(std::uint32_t process, std::uint64_t address);  // 0: all of it
  std::string number_object(const char* kind);                            // "pipe#3"
  std::string peer_path(const std::string& path) const;  // sandbox paths become "./x"
  // Answers; the task runs on.
  void answer(std::uint32_t task, std::int64_t value_or_negative_errno);
  void let_kernel(std::uint32_t task);
  // Lets the kernel do a call that blocks there; the step is recorded when the task wakes.
  void sleep_in_kernel(std::uint32_t task);
  // The step of the task's pending call; flags and result as known.
  Step& record(std::uint32_t task, std::int64_t result, std::uint16_t flags = 0);
  Step& record_event(Event event, std::uint32_t task);
  void unmanaged(std::uint32_t task, const std::string& why);
  void refresh_reaped(std::uint32_t process);  // which of its dead children it has waited for
  void signal_task(std::uint32_t task, int signal, bool to_process);
  std::uint64_t random();

 private:
  friend struct Scheduler;
  Policy& policy_;
  std::map<std::tuple<ObjectKind, std::uint64_t, std::uint64_t>, std::uint32_t> by_identity_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace pipewrench
