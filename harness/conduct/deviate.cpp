// What a plan does to a call, and what Linux could do to it.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "harness/conduct/calls.h"
#include "harness/conduct/schedule.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/sysv.h"

namespace pipewrench {
namespace {

// So long may a busy machine keep a task from running: a sleep is over before it has gone on.
constexpr std::uint64_t kLongestDelay_ns = 1'000'000'000;

constexpr std::uint32_t bit(Deviate kind) { return 1U << static_cast<unsigned>(kind); }

// Signals that ask a program to end: it may well behave differently after them.
bool asks_to_end(int signal) {
  return signal == SIGINT || signal == SIGTERM || signal == SIGQUIT || signal == SIGABRT ||
         signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
}

// A program like sort(1) ends by one handler, whichever of the deadly signals comes. Those that
// programs send each other, or get from the kernel in passing, mean something of their own even so.
bool shares_the_end(const Process& process, int signal) {
  if (signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGCHLD || signal == SIGWINCH ||
      signal >= __SIGRTMIN)
    return false;
  return std::ranges::any_of(std::array{SIGINT, SIGTERM, SIGQUIT}, [&](int end) {
    const Action& action = process.actions[static_cast<std::size_t>(end)];
    return action.caught &&
           action.handler == process.actions[static_cast<std::size_t>(signal)].handler;
  });
}

// An alarm that comes once means that the program's patience is at its end: EINTR tells it so.
bool is_periodic(const Process& process) {
  return std::ranges::any_of(process.timers, [](const Timer& timer) {
    return timer.signal == SIGALRM && timer.interval_ns != 0;
  });
}

struct Handlers {
  bool any = false;         // of a signal that does not ask to end
  bool interrupts = false;  // one of them without SA_RESTART
};
// Only the death, a stop or the going on of a child sends it.
bool may_get_sigchld(const Run& run, const Process& process) {
  return std::ranges::any_of(run.processes, [&](const Process& child) {
    return child.parent != kNobody && !child.reaped && &run.processes[child.parent] == &process;
  });
}

Handlers handlers_of(const Run& run, const Process& process) {
  Handlers handlers;
  for (int signal = 1; signal < static_cast<int>(process.actions.size()); ++signal) {
    const Action& action = process.actions[static_cast<std::size_t>(signal)];
    if (!action.caught || asks_to_end(signal) || shares_the_end(process, signal)) continue;
    if (signal == SIGCHLD && !may_get_sigchld(run, process)) continue;
    if (signal == SIGPIPE) continue;  // of its own write: no call waits then
    if (signal == SIGALRM && !is_periodic(process)) continue;
    handlers.any = true;
    if (!action.restart) handlers.interrupts = true;
  }
  return handlers;
}

// signal(7), "Interruption of system calls and library functions by signal handlers" and "... by
// stop signals".
bool may_be_interrupted(const Run& run, const Process& process, Call call) {
  const Handlers handlers = handlers_of(run, process);
  switch (call) {
    case Call::semop:
    case Call::epoll_wait:
    case Call::sigtimedwait:
      return true;  // SIGSTOP and SIGCONT do it without a handler
    case Call::msgsnd:
    case Call::msgrcv:
    case Call::poll:
    case Call::select:
    case Call::nanosleep:
      return handlers.any;
    case Call::read:
    case Call::write:
    case Call::open:
    case Call::wait:
    case Call::recv:
    case Call::send:
    case Call::accept:
    case Call::connect:
    case Call::fcntl:
    case Call::flock:
    case Call::mq_send:
    case Call::mq_receive:
      return handlers.interrupts;
    default:
      return false;
  }
}

bool is_pipe(const Run& run, const Pending& pending) {
  if (pending.object == kNoObject) return false;
  const ObjectKind kind = run.trace.objects[pending.object].kind;
  return kind == ObjectKind::pipe || kind == ObjectKind::fifo;
}

void legal_short(const Run& run, const Pending& pending, Legal& legal) {
  if (!is_pipe(run, pending)) return;
  const ObjectState& state = run.objects[pending.object];
  if (pending.call == Call::read && state.chunks.size() > 1 &&
      state.chunks.front() < pending.asked) {
    // Had the reader come between two writes, it would have got the first alone.
    legal.shortest = legal.longest = state.chunks.front();
  }
  if (pending.call == Call::write && pending.asked > PIPE_BUF && !pending.nonblocking &&
      pending.duplicate) {
    // It blocks in its middle if nobody has read so far; SIGSTOP and SIGCONT then end it with what
    // was taken.
    const int capacity = fcntl(pending.duplicate.get(), F_GETPIPE_SZ);
    const auto room = static_cast<std::uint64_t>(std::max(capacity, 0));
    if (state.written + pending.asked <= room) return;
    legal.shortest = state.written < room ? room - state.written : 1;
    legal.longest = pending.asked - 1;
  }
  if (legal.longest != 0) legal.kinds |= bit(Deviate::shorten);
}

}  // namespace

Legal legal_of(const Run& run, std::uint32_t task, bool ready) {
  const Pending& pending = run.live[task].pending;
  const Process& process = run.processes[run.live[task].process];
  Legal legal;
  legal.kinds = bit(Deviate::kill) | bit(Deviate::kill_after);
  if (handlers_of(run, process).any || std::ranges::any_of(process.actions, &Action::caught))
    legal.kinds |= bit(Deviate::signal);
  const bool would_block = !ready;
  if (would_block && may_be_interrupted(run, process, pending.call)) legal.errors.push_back(EINTR);
  const bool is_sleep = pending.call == Call::nanosleep;
  if (would_block && pending.due_ns != kNever &&
      (!is_sleep || pending.due_ns <= run.now_ns + kLongestDelay_ns))
    legal.kinds |= bit(Deviate::timeout_first);
  if (pending.object != kNoObject) {
    legal_short(run, pending, legal);
    if (pending.call == Call::msgsnd || pending.call == Call::msgrcv || pending.call == Call::semop)
      legal.kinds |= bit(Deviate::remove);
    // msgsnd(2): what is refused is not looked at for room.
    if (pending.call == Call::msgsnd && ready && pending.number > 0)
      legal.kinds |= bit(Deviate::fill);
  }
  if (pending.call == Call::futex && pending.detail != "wait") {
    const auto waiters = std::ranges::count_if(run.live, [&](const Live& one) {
      return one.state == State::parked && one.pending.call == Call::futex && one.pending.entered &&
             !one.pending.woken && one.pending.object == pending.object;
    });
    if (waiters > 1) legal.kinds |= bit(Deviate::wake);
  }
  if (!legal.errors.empty()) legal.kinds |= bit(Deviate::fail);
  return legal;
}

void Scheduler::kill(std::uint32_t task) {
  Process& process = run.process_of(task);
  for (std::uint32_t other = 0; other < run.live.size(); ++other)
    if (run.live[other].process == run.live[task].process)
      run.trace.tasks[other].killed_by_plan = true;
  run.dies(run.live[task].process);
  syscall(SYS_pidfd_send_signal, process.pidfd.get(), SIGKILL, nullptr, 0);
}

// For once there is no room: whoever must not wait gets EAGAIN, others sleep until nobody else can
// go on. No foreign message is put there: a reader of a queue of mode 0600 need not stand one.
Scheduler::Played Scheduler::fill(std::uint32_t task) {
  Pending& pending = run.live[task].pending;
  if (pending.call != Call::msgsnd || pending.object == kNoObject) return Played::nothing;
  if (!hold_queue_full(run, pending.object)) return Played::nothing;
  pending.flags |= kInjected;
  if (!pending.nonblocking) return Played::goes_on;
  release_queues(run);
  run.record(task, -EAGAIN);
  run.answer(task, -EAGAIN);
  return Played::dealt_with;
}

Scheduler::Played Scheduler::play(std::uint32_t task, const Deviation& deviation) {
  Pending& pending = run.live[task].pending;
  switch (deviation.kind) {
    case Deviate::shorten:
      // What other calls move the kernel moves.
      if ((pending.call != Call::read && pending.call != Call::write) || !is_pipe(run, pending))
        return Played::nothing;
      pending.shorten_to = std::max<std::uint64_t>(deviation.amount, 1);
      pending.flags |= kInjected | kTransparent;
      return Played::goes_on;
    case Deviate::fail: {
      // An object that is gone for one is gone for all.
      if ((deviation.number == EIDRM || deviation.number == EINVAL) && pending.object != kNoObject)
        remove_object(run, pending.object);
      const std::uint16_t transparent = deviation.number == EINTR ? kTransparent : std::uint16_t{0};
      run.record(task, -deviation.number, static_cast<std::uint16_t>(kInjected | transparent));
      run.answer(task, -deviation.number);
      return Played::dealt_with;
    }
    case Deviate::kill:
      kill(task);
      return Played::dealt_with;
    case Deviate::kill_after:
      run.live[task].kill_at_next = true;
      return Played::goes_on;
    case Deviate::signal:
      run.signal_task(task, deviation.number, true);
      // It stays parked: a handler runs at its next turn, before the call.
      return Played::dealt_with;
    case Deviate::remove:
      if (pending.object == kNoObject || !remove_object(run, pending.object))
        return Played::nothing;
      pending.flags |= kInjected;
      return Played::goes_on;
    case Deviate::fill:
      return fill(task);
    case Deviate::wake:
      for (std::uint32_t other = 0; other < run.live.size(); ++other)
        if (run.trace.tasks[other].name == deviation.other) pending.preferred = other;
      return pending.preferred == kNobody ? Played::nothing : Played::goes_on;
    case Deviate::timeout_first:
      if (pending.due_ns == kNever) return Played::nothing;
      run.now_ns = std::max(run.now_ns, pending.due_ns);
      pending.forced_time_out = pending.timed_out = true;
      pending.row->act(run, task);
      return Played::dealt_with;
    case Deviate::preempt:
    case Deviate::restart:
      return Played::nothing;
  }
  return Played::nothing;
}

}  // namespace pipewrench
