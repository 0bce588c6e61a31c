// POSIX message queues (mq_overview(7)). The kernel does each call; whether it would block is told
// beforehand from the queue itself. Their names are of the peers' own IPC namespace, which is the
// worker's too.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/signals.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kPriorities = 32768;  // MQ_PRIO_MAX
constexpr int kMakingFlags = O_CREAT | O_EXCL;

// The library leaves the slash out.
std::string name_of(const std::string& name) { return name.starts_with('/') ? name : "/" + name; }

Fd open_queue(const std::string& name, int flags) {
  return Fd(mq_open(name_of(name).c_str(), (flags & ~kMakingFlags) | O_CLOEXEC));
}

// Whatever its mode lets us do; errno says whether it is there at all.
Fd probe_queue(const std::string& name) {
  for (const int access : {O_RDONLY, O_WRONLY, O_RDWR})
    if (Fd own = open_queue(name, access | O_NONBLOCK)) return own;
  return {};
}

std::uint32_t object_of(Run& run, int own, const std::string& name) {
  struct stat info{};
  if (own < 0 || fstat(own, &info) != 0) return kNoObject;
  const std::uint32_t object =
      run.object_of(ObjectKind::mqueue, info.st_dev, info.st_ino, "mqueue " + name_of(name));
  run.trace.objects[object].mode = info.st_mode & 0777U;
  return object;
}

Look look_open(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto name = read_string(run.process_of(task).pid, pending.address(0));
  if (!name) return Look::pass;
  pending.place = *name;
  pending.detail = quoted(name_of(*name));
  if (pending.call == Call::mq_unlink) return Look::ipc;
  const auto flags = static_cast<int>(pending.address(1));
  pending.number = flags;
  if ((flags & O_CREAT) != 0) {
    char mode[16];
    std::snprintf(mode, sizeof mode, ", 0%o", static_cast<unsigned>(pending.address(2)) & 0777U);
    pending.detail += mode;
  }
  return Look::ipc;
}

// The result is a descriptor; in the trace it is 0, since the object has a name.
void act_open(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  std::string name = pending.place;
  const auto flags = static_cast<int>(pending.number);
  const Fd own = open_queue(name, flags | O_NONBLOCK);
  const int error = own ? 0 : errno;
  const bool there = error != ENOENT;
  if (there) pending.object = object_of(run, own ? own.get() : probe_queue(name).get(), name);
  if (there && (flags & kMakingFlags) == kMakingFlags)
    pending.expected = -EEXIST;
  else if (there || (flags & O_CREAT) == 0)
    pending.expected = -error;
  run.live[task].created = !there && (flags & O_CREAT) != 0;
  if (run.live[task].created) run.mqueues.push_back(name);
  kernel_acts(run, task);
  run.live[task].place = std::move(name);
}

void after_open(Run& run, std::uint32_t task, Step& step) {
  if (step.result < 0 || !run.live[task].created) return;
  const std::string& name = run.live[task].place;
  const Fd own = probe_queue(name);
  step.object = object_of(run, own.get(), name);
  if (step.object == kNoObject) {
    step.flags |= kUnknownResult;  // mq_open(3): EINVAL, ENOSPC, EMFILE ...: nothing was made
    return;
  }
  Object& made = run.trace.objects[step.object];
  made.maker = task;
  made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

void act_unlink(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  std::string name = pending.place;
  const Fd own = probe_queue(name);
  if (!own && errno == ENOENT) pending.expected = -ENOENT;
  pending.object = object_of(run, own.get(), name);
  kernel_acts(run, task);
  run.live[task].place = std::move(name);
}

void after_unlink(Run& run, std::uint32_t task, Step& step) {
  if (step.object == kNoObject) return;
  if (probe_queue(run.live[task].place) || errno != ENOENT)
    step.flags |= kUnknownResult;
  else
    run.trace.objects[step.object].removed =
        static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

mq_attr limits_of(const Pending& pending) {
  mq_attr limits{};
  mq_getattr(pending.duplicate.get(), &limits);
  return limits;
}

// Looked up by what it is: the descriptor may be inherited, and the name may be gone.
bool look_queue(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.fd = static_cast<int>(pending.address(0));
  pending.duplicate = Fd(
      static_cast<int>(syscall(SYS_pidfd_getfd, run.process_of(task).pidfd.get(), pending.fd, 0)));
  if (!pending.duplicate) return false;
  pending.object = mqueue_object(run, pending.duplicate.get());
  if (pending.object == kNoObject) return false;
  const mq_attr limits = limits_of(pending);
  pending.nonblocking = (limits.mq_flags & O_NONBLOCK) != 0;
  return true;
}

Look look_transfer(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (!look_queue(run, task)) return Look::pass;  // EBADF: the kernel says so itself
  const int access = fcntl(pending.duplicate.get(), F_GETFL) & O_ACCMODE;
  pending.is_wrong_end = access == (pending.call == Call::mq_send ? O_RDONLY : O_WRONLY);
  pending.asked = pending.address(2);
  if (pending.call == Call::mq_send) pending.number = static_cast<std::int64_t>(pending.address(3));
  pending.detail = "fd " + std::to_string(pending.fd);
  if (pending.call == Call::mq_send)
    pending.detail += ", priority " + std::to_string(pending.address(3));
  if (pending.address(4) == 0) return Look::ipc;
  // mq_send(3): an absolute time of CLOCK_REALTIME.
  const auto limit = read_value<timespec>(run.process_of(task).pid, pending.address(4));
  if (!limit || limit->tv_sec < 0 || limit->tv_nsec < 0) return Look::ipc;
  const auto limit_ns = static_cast<std::uint64_t>(limit->tv_sec) * 1'000'000'000 +
                        static_cast<std::uint64_t>(limit->tv_nsec);
  pending.due_ns = limit_ns > kRealtimeStart_ns ? limit_ns - kRealtimeStart_ns : 0;
  return Look::ipc;
}

// What mq_send(3) and mq_receive(3) refuse before they look for a message or for room.
int refusal(const Pending& pending, const mq_attr& limits) {
  if (pending.is_wrong_end) return EBADF;
  const auto most = static_cast<std::uint64_t>(limits.mq_msgsize);
  if (pending.call == Call::mq_receive) return pending.asked < most ? EMSGSIZE : 0;
  if (pending.address(3) >= kPriorities) return EINVAL;
  return pending.asked > most ? EMSGSIZE : 0;
}

bool has_news(const Pending& pending, const mq_attr& limits) {
  return pending.call == Call::mq_send ? limits.mq_curmsgs < limits.mq_maxmsg
                                       : limits.mq_curmsgs > 0;
}

bool can_transfer(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const mq_attr limits = limits_of(pending);
  return pending.nonblocking || refusal(pending, limits) != 0 || has_news(pending, limits);
}

// True: it fails, and is answered.
bool is_refused(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const mq_attr limits = limits_of(pending);
  const int error = refusal(pending, limits);
  const bool now = has_news(pending, limits);
  if (error == 0 && now && !pending.forced_time_out) return false;
  if (error == 0 && pending.timed_out) {
    run.record(task, -ETIMEDOUT, kTimedOut);
    run.answer(task, -ETIMEDOUT);
    return true;
  }
  pending.expected = error != 0 ? -error : -EAGAIN;
  kernel_acts(run, task);
  return true;
}

// mq_notify(3): the first message in an empty queue tells whoever asked for it, once.
void tell(Run& run, ObjectState& state) {
  if (state.notified != kNobody) hint_signal(run.processes[state.notified]);
  state.notified = kNobody;
}

void act_send(Run& run, std::uint32_t task) {
  if (is_refused(run, task)) return;
  Pending& pending = run.pending_of(task);
  ObjectState& state = run.objects[pending.object];
  Letter letter{static_cast<long>(pending.number), pending.asked, ++state.serial, ""};
  letter.text.resize(std::min<std::uint64_t>(pending.asked, kTraceData));
  letter.text.resize(read_memory(run.process_of(task).pid, pending.address(1), letter.text.data(),
                                 letter.text.size()));
  pending.detail += ", " + quoted(letter.text);
  kernel_acts(run, task);
  run.trace.steps.back().data = letter.text;
  run.trace.steps.back().message = letter.serial;
  if (state.letters.empty()) tell(run, state);
  state.letters.push_back(std::move(letter));
}

// mq_receive(3): the oldest of the highest priority.
void act_receive(Run& run, std::uint32_t task) {
  if (is_refused(run, task)) return;
  Pending& pending = run.pending_of(task);
  std::deque<Letter>& letters = run.objects[pending.object].letters;
  const auto chosen = std::ranges::max_element(letters, {}, &Letter::type);
  if (chosen == letters.end()) {  // put there by somebody whom nobody watched
    pending.flags |= kUnknownResult;
    return kernel_acts(run, task);
  }
  const Letter letter = std::move(*chosen);
  letters.erase(chosen);
  pending.expected = static_cast<std::int64_t>(letter.size_bytes);
  pending.number = letter.type;
  pending.detail += ", " + quoted(letter.text);
  kernel_acts(run, task);
  run.trace.steps.back().data = letter.text;
  run.trace.steps.back().message = letter.serial;
}

Look look_notify(Run& run, std::uint32_t task) {
  return look_queue(run, task) ? Look::ipc : Look::pass;
}

void act_notify(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  ObjectState& state = run.objects[pending.object];
  const bool asks = pending.address(1) != 0;
  const bool taken = state.notified != kNobody && !run.processes[state.notified].dead;
  if (asks && taken)
    pending.expected = -EBUSY;
  else if (asks || state.notified == run.live[task].process)
    state.notified = asks ? run.live[task].process : kNobody;
  kernel_acts(run, task);
}

constexpr CallRow kRows[] = {
    {SYS_mq_open, Call::mq_open, look_open, nullptr, act_open, after_open},
    {SYS_mq_unlink, Call::mq_unlink, look_open, nullptr, act_unlink, after_unlink},
    {SYS_mq_timedsend, Call::mq_send, look_transfer, can_transfer, act_send},
    {SYS_mq_timedreceive, Call::mq_receive, look_transfer, can_transfer, act_receive},
    {SYS_mq_notify, Call::mq_notify, look_notify, nullptr, act_notify},
};

}  // namespace

std::span<const CallRow> mqueue_rows() { return kRows; }

std::uint32_t mqueue_object(Run& run, int own_fd) {
  mq_attr limits{};
  if (mq_getattr(own_fd, &limits) != 0) return kNoObject;
  std::string name = path_of(own_fd);
  if (constexpr std::string_view kGone = " (deleted)"; name.ends_with(kGone))
    name.resize(name.size() - kGone.size());
  return object_of(run, own_fd, name);
}

void collect_mqueues(Run& run) {
  for (const std::string& name : run.mqueues) {
    const Fd own = probe_queue(name);
    if (!own && errno == ENOENT) continue;
    if (const std::uint32_t object = object_of(run, own.get(), name); object != kNoObject)
      if (const Object& shown = run.trace.objects[object]; shown.maker != kNobody)
        run.trace.leftovers.push_back({ObjectKind::mqueue, shown.name, shown.maker});
    mq_unlink(name_of(name).c_str());
  }
}

}  // namespace pipewrench
