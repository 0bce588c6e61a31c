// Traps, births, deaths, and waiting until nobody runs. Must not choose who goes on.
// SPDX-License-Identifier: MIT
#include <elf.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/schedule.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/stage.h"
#include "harness/conduct/sysv.h"
#include "harness/conduct/vdso.h"

namespace pipewrench {
namespace {

// How often those are looked at that neither trap nor die. No verdict depends on it.
constexpr int kLook_ms = 10;
constexpr std::uint32_t kLookAtMemory = 64;     // traps from one look to the next
constexpr std::uint32_t kMostPasses = 200'000;  // plain calls between two that are scheduled
constexpr std::uint32_t kMostEndReads = 4'000;  // of them, that get nothing from the same file
constexpr int kRestartNoInterrupt = 513;        // ERESTARTNOINTR
constexpr std::size_t kMostName = 2 * std::size_t{kMaxPeerName};  // of a descendant

Fd open_pidfd(pid_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

// "demo1/2" is the second child of demo1; where generations without end would make the name too
// long, "demo1//77" is the run's task number 77.
std::string descendant(const Run& run, const Process& maker, const std::string& which) {
  const std::string& name = run.trace.tasks[maker.main].name;
  if (name.size() + which.size() <= kMostName) return name + which;
  return run.scenario.peers[maker.peer].name + "//" + std::to_string(run.live.size());
}

}  // namespace

bool Scheduler::launch(std::uint32_t peer, const std::string& program) {
  if (std::exchange(has_zombies, false)) run.stage.reap();
  const int inner = run.stage.launch(run.scenario.peers[peer], peer, program, run.scenario.limits);
  if (inner <= 0) {
    failure = "cannot start " + program + ": " + errno_name(-inner);
    return false;
  }
  launched[inner] = peer;
  return true;
}

// A new process, and its name: of a peer the scenario's, of a fork its parent's with a number.
std::string Scheduler::adopt_process(const TaskStatus& status, std::uint32_t index,
                                     std::uint32_t parent, std::uint32_t parent_process) {
  std::string name;
  const auto start = launched.find(status.inner);
  const auto process = static_cast<std::uint32_t>(run.processes.size());
  run.processes.emplace_back();
  Process& fresh = run.processes.back();
  fresh.pid = status.tgid;
  fresh.inner = status.inner;
  fresh.pidfd = open_pidfd(fresh.pid);
  if (!fresh.pidfd && errno == EMFILE) failure = "no descriptor is left (ulimit -n)";
  fresh.main = index;
  fresh.parent = parent_process;
  if (start != launched.end()) {
    fresh.peer = start->second;
    name = run.scenario.peers[fresh.peer].name;
    const auto namesakes = std::ranges::count_if(run.trace.tasks, [&](const Task& other) {
      return other.peer == fresh.peer && other.parent == kNobody && !other.thread;
    });
    if (namesakes > 0) name += "~" + std::to_string(namesakes + 1);  // started again
  } else if (parent != kNobody) {
    Process& maker = run.process_of(parent);
    fresh.peer = maker.peer;
    fresh.actions = run.live[parent].births_actions;
    fresh.vdso = maker.vdso;
    fresh.tracer = run.live[parent].births_tracer;
    if (fresh.tracer) {
      maker.traced_by = process;
      maker.waits_for_tracer = false;
    }
    run.live[parent].births_tracer = false;
    name = descendant(run, maker, "/" + std::to_string(++maker.forks));
    for (const Attachment& at : std::vector(run.attached))
      if (at.process == run.live[parent].process)
        run.attached.push_back({process, at.object, at.address});
  } else {
    name = "orphan/" + std::to_string(index);
  }
  if (start != launched.end()) launched.erase(start);
  return name;
}

// Where nobody else can have made it, it is the peer just launched: no need to ask /proc.
std::optional<TaskStatus> Scheduler::status_of_newcomer(pid_t tid) const {
  const bool is_the_peer =
      launched.size() == 1 && std::ranges::all_of(run.live, [](const Live& one) {
        return one.state == State::dead || (one.state == State::parked && one.births == 0);
      });
  if (!is_the_peer) return task_status(tid);
  return TaskStatus{.tgid = tid, .parent = run.stage.pid(), .inner = launched.begin()->first};
}

// A task that traps for the first time. Its place in the family gives its name.
std::uint32_t Scheduler::adopt(pid_t tid) {
  const auto status = status_of_newcomer(tid);
  if (!status || run.live.size() >= kMaxTasks) return kNobody;
  const auto index = static_cast<std::uint32_t>(run.live.size());
  std::uint32_t process = kNobody, parent_process = kNobody;
  for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
    if (run.processes[i].dead) continue;
    if (run.processes[i].pid == status->tgid) process = i;
    if (run.processes[i].pid == status->parent) parent_process = i;
  }
  Task task;
  task.thread = process != kNobody;
  task.alive = true;
  task.born = static_cast<std::uint32_t>(run.trace.steps.size());
  // The parent is he whose clone call owes a newcomer: a thread of the parent process, or
  // (CLONE_PARENT, a parent that has died meanwhile) anyone.
  std::uint32_t parent = kNobody;
  for (std::uint32_t i = 0; i < run.live.size(); ++i) {
    if (run.live[i].births == 0) continue;
    const std::uint32_t owner = run.live[i].process;
    if (parent == kNobody || owner == (task.thread ? process : parent_process)) parent = i;
  }
  if (task.thread) {
    Process& owner = run.processes[process];
    ++owner.threads_alive;
    task.name = descendant(run, owner, ":" + std::to_string(++owner.threads));
  } else {
    task.name = adopt_process(*status, index, parent, parent_process);
    process = static_cast<std::uint32_t>(run.processes.size() - 1);
  }
  task.peer = run.processes[process].peer;
  task.parent = parent;
  run.trace.tasks.push_back(task);
  Live fresh;
  fresh.tid = tid;
  fresh.inner = status->inner;
  fresh.process = process;
  fresh.newborn = parent != kNobody;
  run.live.push_back(std::move(fresh));
  by_tid[tid] = index;
  if (parent != kNobody && task.parent != kNobody) {
    run.live[parent].births = 0;
    if (run.live[parent].vforking) run.live[parent].vfork_child = index;
    if (run.live[parent].birth_step < run.trace.steps.size())
      run.trace.steps[run.live[parent].birth_step].other = index;
  }
  // The parent may have read its clock meanwhile.
  const std::uint64_t born_ns =
      parent != kNobody && run.live[parent].birth_step < run.trace.steps.size()
          ? run.trace.steps[run.live[parent].birth_step].time_ns
          : run.now_ns;
  run.record_event(Event::born, index).time_ns = born_ns;
  return index;
}

// Its parent, if it waits in vfork(2), goes on when the child has exec'd or ended.
void Scheduler::end_vfork(std::uint32_t child) {
  const std::uint32_t parent = run.trace.tasks[child].parent;
  if (parent == kNobody || !run.live[parent].vforking || run.live[parent].vfork_child != child)
    return;
  run.live[parent].vforking = false;
  if (run.live[parent].state == State::asleep) run.live[parent].state = State::running;
}

// While LeakSanitizer's tracer scans its parent both run freely: it waits for tasks to stop that
// must be on their way for that, and they spin until it is done.
static bool passes_for_tracer(Run& run, Process& process, Call call) {
  if (process.tracer) return true;
  if (process.traced_by == kNobody) return false;
  if (call == Call::sched_yield || call == Call::futex) return true;
  if (call != Call::wait) return false;
  // It waits for its tracer, which may have ended already.
  process.waits_for_tracer = true;
  if (run.processes[process.traced_by].dead) process.traced_by = kNobody;
  return true;
}
// Its SIGSTOP reaches a parked task only when the call is given back; the call traps again.
void Scheduler::give_back_to_tracer() {
  constexpr std::uint64_t kStopBit = 1ULL << (SIGSTOP - 1);
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    Live& one = run.live[task];
    const Process& process = run.process_of(task);
    if (one.state != State::parked) continue;
    if (process.traced_by == kNobody && !process.debugged) continue;
    const auto status = task_status(one.tid);
    if (!status || (status->own_pending & kStopBit) == 0) continue;
    --one.calls;
    run.answer(task, -kRestartNoInterrupt);
  }
}

// The first trap of a program: its clock is made virtual, and handlers are gone (execve(2)).
void Scheduler::image_is_new(std::uint32_t task) {
  Process& process = run.process_of(task);
  const Fd memory = open_memory(process.pid);
  const Vdso vdso = find_vdso(process.pid, memory);
  if (process.in_exec) {
    process.in_exec = false;
    if (vdso.is_patched) return;  // the exec has failed
    run.record_event(Event::exec, task);
    ++process.images;
    for (Action& action : process.actions) action = Action{.ignored = action.ignored};
    std::erase_if(process.timers,
                  [](const Timer& timer) { return timer.kind == Timer::Kind::posix; });
    run.forget_attachments(run.live[task].process, 0);
    ++process.signal_version;
    end_vfork(task);
  }
  process.vdso = patch_vdso(memory, vdso) ? vdso.address : 0;
  // The kernel's gift to each program: Go's maps and selects go by it.
  if (const std::uint64_t gift = auxiliary_of(process.pid, AT_RANDOM); gift != 0) {
    const std::string bytes = run.random_bytes(task, 16);  // getauxval(3)
    write_memory(process.pid, gift, bytes.data(), bytes.size());
  }
}

// Half-way and now at the end of the same file, and nothing else between: it will not stop by
// itself.
static bool reads_at_end(Live& one, const Process& process, const seccomp_notif& notif) {
  const std::uint64_t fd = notif.data.args[0];
  const bool is_same = notif.data.nr == SYS_read && one.last_read == fd;
  one.same_reads = is_same ? one.same_reads + 1 : 0;
  one.last_read = notif.data.nr == SYS_read ? fd : UINT64_MAX;
  if (one.same_reads != kMostEndReads / 2 && one.same_reads != kMostEndReads) return false;
  const std::string of = "/proc/" + std::to_string(process.pid) + "/fd";
  struct stat file{};
  if (stat((of + '/' + std::to_string(fd)).c_str(), &file) != 0 || !S_ISREG(file.st_mode))
    return false;
  std::ifstream info(of + "info/" + std::to_string(fd));
  std::string label;
  off_t position = 0;
  const bool is_at_end = info >> label >> position && position >= file.st_size;  // "pos: 24"
  return std::exchange(one.was_at_end, is_at_end) && is_at_end && one.same_reads == kMostEndReads;
}

void Scheduler::trapped(std::uint32_t task, const seccomp_notif& notif) {
  Live& one = run.live[task];
  if (one.slept.row != nullptr) woke(task);
  one.vforking = false;
  if (one.after_step != UINT32_MAX) {
    Step& step = run.trace.steps[one.after_step];
    one.after_step = UINT32_MAX;
    if (one.pending.row != nullptr && one.pending.row->after != nullptr)
      one.pending.row->after(run, task, step);
  }
  one.state = State::parked;
  one.signals_version = 0;
  one.falls_asleep = false;
  one.pending = Pending{};
  one.pending.notif = notif;
  const CallRow* row = call_row(notif.data.nr);
  Process& process = run.process_of(task);
  if (process.in_exec || (process.vdso == 0 && process.main == task && !process.looked_at_image)) {
    process.looked_at_image = true;
    image_is_new(task);
  }
  if (row == nullptr) return run.let_kernel(task);
  one.pending.row = row;
  one.pending.call = row->call;
  if (one.kill_at_next) {
    one.kill_at_next = false;
    return kill(task);
  }
  if (passes_for_tracer(run, process, row->call)) return run.let_kernel(task);
  const Look look = row->look(run, task);
  one.newborn = false;
  if (look == Look::ipc) one.passes = one.same_reads = 0;
  if (look == Look::answered) ++one.passes;
  if (look == Look::pass && (++one.passes > kMostPasses || reads_at_end(one, process, notif))) {
    // It goes round in calls that are none of ours, like reading a file at its end, and never
    // comes to one that is: it stays where it is, and the others go on.
    if (!one.spins) run.unmanaged(task, "repeats plain calls without end");
    one.spins = true;
    one.state = State::asleep;
    return;
  }
  if (look == Look::pass) return run.let_kernel(task);
  if (look == Look::answered) return;
  // A newborn's wait for its first turn is no call: it stands before its first one.
  one.pending.n = one.pending.call == Call::count_ ? one.calls + 1 : ++one.calls;
}

void Scheduler::receive() {
  seccomp_notif notif{};
  if (ioctl(run.stage.listener(), SECCOMP_IOCTL_NOTIF_RECV, &notif) != 0)
    return;  // he has died meanwhile
  if (++traps % kLookAtMemory == 0) watch_memory();
  const auto tid = static_cast<pid_t>(notif.pid);
  const auto known = by_tid.find(tid);
  const std::uint32_t task = known != by_tid.end() ? known->second : adopt(tid);
  if (task != kNobody) {
    const Process& process = run.process_of(task);
    if (process.tracer || process.traced_by != kNobody) return trapped(task, notif);
    arrived.push_back({task, notif, run.live[task].state});
    run.live[task].state = State::arrived;
    return;
  }
  // Beyond the limit of tasks nobody may run: he would be under no control.
  if (run.live.size() >= kMaxTasks) syscall(SYS_kill, tid, SIGKILL);
  seccomp_notif_resp response{};
  response.id = notif.id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(run.stage.listener(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

// Where several run at once (a vforking parent and its child after the exec, sleepers that wake)
// chance says who traps first. So traps are looked at when nobody runs, in the order of tasks, or
// the same run would number its objects in two ways. Who still waits in vfork(2), as far as we
// know, comes last: had he been slower, his child would have had to be looked at without him.
bool Scheduler::look_at_arrivals(bool only_traced) {
  std::vector<Arrival> all = std::exchange(arrived, {});
  std::ranges::sort(all, {}, [&](const Arrival& one) {
    return std::pair(run.live[one.task].vforking, one.task);
  });
  bool found = false;
  for (const Arrival& one : all) {
    State& state = run.live[one.task].state;
    if (state != State::arrived) continue;  // it is dying
    if (only_traced && run.process_of(one.task).traced_by == kNobody) {
      arrived.push_back(one);
      continue;
    }
    state = one.from;
    trapped(one.task, one.notif);
    found = true;
  }
  return found;
}

void Scheduler::task_died(std::uint32_t task, int status) {
  Live& one = run.live[task];
  if (one.state == State::dead) return;
  if (one.after_step != UINT32_MAX) {
    run.trace.steps[one.after_step].flags |= kUnknownResult;
    run.trace.steps[one.after_step].message = 0;
    one.after_step = UINT32_MAX;
  }
  one.state = State::dead;
  one.pending.duplicate.reset();
  one.stat.reset();
  one.births = 0;
  by_tid.erase(one.tid);
  Task& shown = run.trace.tasks[task];
  shown.alive = false;
  shown.status = status;
  shown.died = static_cast<std::uint32_t>(run.trace.steps.size());
  // Others may have read their clocks meanwhile.
  Step& step = run.record_event(Event::died, task);
  step.result = status;
  step.time_ns = turn_ns;
  // The kernel clears a thread's id and marks its robust locks, and wakes who waits there: our
  // waiters look again.
  for (Live& other : run.live)
    if (other.state == State::parked && other.pending.call == Call::futex &&
        other.pending.entered) {
      const auto value =
          read_value<std::uint32_t>(run.processes[other.process].pid, other.pending.address(0));
      if (value && *value != static_cast<std::uint32_t>(other.pending.address(2)))
        other.pending.woken = true;
    }
}

// PR_SET_PDEATHSIG: the kernel has told it before anybody could see that its parent is dead.
void Scheduler::orphaned(std::uint32_t index) {
  Process& child = run.processes[index];
  child.parent = kNobody;
  if (child.dead) return;
  hint_signal(child);
  if (is_dying(child.pid)) run.dies(index);
}

// The stage takes the status of whatever of its children has ended, orphans too: of those who die
// at the same time it is read first.
void Scheduler::keep_statuses() {
  constexpr int kSoon_ms = 1'000;
  for (Process& process : run.processes) {
    if (process.dead || process.parent != kNobody || !(process.signal_hint || process.ended))
      continue;
    pollfd ended{process.pidfd.get(), POLLIN, 0};
    if (poll(&ended, 1, is_dying(process.pid) ? kSoon_ms : 0) <= 0) continue;
    if (const auto stat = task_stat(process.pid); stat && stat->state == 'Z')
      process.status = stat->exit_status;
  }
}

void Scheduler::process_died(std::uint32_t index) {
  Process& process = run.processes[index];
  if (process.dead) return;
  process.dead = true;
  const auto stat = task_stat(process.pid);
  const bool zombie = stat && stat->state == 'Z';
  for (std::uint32_t task = 0; task < run.live.size(); ++task)
    if (run.live[task].process == index)
      task_died(task, process.status.value_or(zombie ? stat->exit_status : 0));
  run.forget_attachments(index, 0);
  end_vfork(process.main);
  for (Process& other : run.processes)
    if (other.traced_by == index && other.waits_for_tracer) other.traced_by = kNobody;
  for (std::uint32_t child = 0; child < run.processes.size(); ++child)
    if (run.processes[child].parent == index) orphaned(child);
  if (process.parent == kNobody) {
    has_zombies = std::ranges::all_of(run.processes, &Process::dead);
    if (!has_zombies) keep_statuses(), run.stage.reap();
    process.reaped = true;
    for (Process& child : run.processes)
      if (child.parent == kNobody && child.dead) {
        child.reaped = true;
        child.pidfd.reset();
      }
  } else {
    process.reaped = !zombie || process.tracer;  // LeakSanitizer waits for its own
    hint_signal(run.processes[process.parent]);
  }
  if (process.reaped) process.pidfd.reset();
  run.trace.tasks[process.main].reaped = process.reaped;
  const Task& shown = run.trace.tasks[process.main];
  if (shown.killed_by_plan && shown.parent == kNobody && !told_to_end &&
      policy.restarts(run.scenario.peers[shown.peer].name)) {
    const Peer& peer = run.scenario.peers[shown.peer];
    run.trace.plan.push_back({.kind = Deviate::restart, .task = peer.name});
    run.record_event(Event::restarted, process.main);
    launch(shown.peer, run.programs[shown.peer]);
  }
}

// Of several that end at the same time chance says who is first: they are recorded when everybody
// else has come to rest, in the order of their births.
bool Scheduler::bury() {
  bool found = false;
  for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
    if (!run.processes[i].ended || run.processes[i].dead) continue;
    process_died(i);
    found = true;
  }
  return found;
}

// Who closes a pseudo-terminal's master, or types ^C there, has the kernel send signals to whoever
// is at the other end, before he comes to his next call.
void Scheduler::terminals_may_signal() {
  if (!run.has_terminals) return;
  for (Process& process : run.processes)
    if (!process.dead) hint_signal(process);
}

bool Scheduler::look_for_dying() {
  bool found = false;
  for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
    Process& process = run.processes[i];
    if (process.dead || !process.signal_hint || process.death_looked == process.signal_version)
      continue;
    process.death_looked = process.signal_version;
    pollfd ended{process.pidfd.get(), POLLIN, 0};
    if (poll(&ended, 1, 0) == 0 && !is_dying(process.pid)) continue;
    run.dies(i);
    found = true;
  }
  return found;
}

// There is no limit that the kernel could keep: RLIMIT_AS and RLIMIT_DATA count what a sanitizer
// only reserves (setrlimit(2)). So whoever has most is killed, as when memory runs out.
void Scheduler::watch_memory() {
  const std::uint64_t most = run.scenario.limits.memory_bytes;
  const auto sum_of = [&](bool exactly, std::uint32_t& largest) {
    std::uint64_t sum = 0, record = 0;
    for (std::uint32_t i = 0; i < run.processes.size(); ++i) {
      if (run.processes[i].dead) continue;
      const std::uint64_t bytes = memory_of(run.processes[i].pid, exactly);
      sum += bytes;
      if (bytes > record) largest = i;
      record = std::max(record, bytes);
    }
    return sum;
  };
  std::uint32_t largest = 0;
  if (sum_of(false, largest) <= most || sum_of(true, largest) <= most) return;
  const Process& process = run.processes[largest];
  run.unmanaged(process.main, "limit of memory: killed");
  run.signal_task(process.main, SIGKILL, true);
}

bool Scheduler::settle() {
  std::vector<pollfd> watched;
  std::vector<std::uint32_t> whose;
  bool sleepers_rest = false;  // seen since anybody has run
  bool terminals_known = false;
  while (true) {
    watched.clear();
    whose.clear();
    watched.push_back({run.stage.listener(), POLLIN, 0});
    bool anyone = !launched.empty();
    bool falling = false;
    for (std::uint32_t task = 0; task < run.live.size(); ++task) {
      Live& one = run.live[task];
      if (one.vforking && one.state == State::running) one.state = State::asleep;
      if (one.births > 0 && !run.process_of(task).ended) anyone = true;
      if (one.falls_asleep && one.state == State::running) falling = true;
      if (one.state != State::running || run.process_of(task).ended) continue;
      if (one.exiting && run.process_of(task).main != task) {
        // A thread's end has no descriptor to wait for before Linux 6.9.
        if (syscall(SYS_tgkill, run.process_of(task).pid, one.tid, 0) != 0) {
          --run.process_of(task).threads_alive;
          task_died(task, 0);
          continue;
        }
        falling = true;
      }
      anyone = true;
      if (std::ranges::find(whose, one.process) != whose.end()) continue;
      whose.push_back(one.process);
      watched.push_back({run.processes[one.process].pidfd.get(), POLLIN, 0});
    }
    if (!anyone) {
      // Sleepers first: whether they have come to their next trap already is chance.
      if (!sleepers_rest && sleepers_move()) continue;
      sleepers_rest = true;
      if (look_at_arrivals(false)) continue;
      if (!std::exchange(terminals_known, true)) terminals_may_signal();
      if (!bury() && !look_for_dying()) return true;
      terminals_known = false;
      continue;
    }
    sleepers_rest = false;
    if (!arrived.empty() && look_at_arrivals(true)) continue;  // a tracer waits for its parent
    if (falling) sched_yield();
    const int ready = poll(watched.data(), watched.size(), falling ? 0 : kLook_ms);
    if (ready < 0 && errno != EINTR) return false;
    if ((watched[0].revents & POLLHUP) != 0) {
      failure = "the stage has died";
      return false;
    }
    if ((watched[0].revents & POLLIN) != 0) receive();
    for (std::size_t i = 1; i < watched.size(); ++i)
      if ((watched[i].revents & POLLIN) != 0) run.processes[whose[i - 1]].ended = true;
    if (ready == 0 && !falling) watch_memory();
    if (ready == 0) give_back_to_tracer();
    if (ready == 0) look_at_laggards(falling);
    if (!failure.empty() || (ready == 0 && !falling && !is_wanted())) return false;
  }
}

}  // namespace pipewrench
