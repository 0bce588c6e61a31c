// SPDX-License-Identifier: MIT
#include "harness/conduct/run.h"

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/conduct/calls.h"
#include "harness/conduct/signals.h"
#include "harness/conduct/stage.h"

namespace pipewrench {

constexpr std::size_t kUsualSteps = 128;  // of a short run; more are made room for

Run::Run(const Scenario& of, Policy& policy, Stage& on, Trace& into, std::uint64_t of_random)
    : trace(into), scenario(of), stage(on), seed(of_random), policy_(policy) {
  // Steps and tasks are referred to while others are added.
  live.reserve(64);
  trace.steps.reserve(kUsualSteps);
}

std::uint32_t Run::task_of_inner(pid_t inner) const {
  for (const Process& process : processes)
    if (process.inner == inner && !process.reaped) return process.main;
  return kNobody;
}

std::string Run::number_object(const char* kind) {
  return std::string(kind) + "#" + std::to_string(++numbers_[kind]);
}

std::uint32_t Run::object_of(ObjectKind kind, std::uint64_t a, std::uint64_t b,
                             const std::string& name) {
  const auto [entry, is_new] =
      by_identity_.try_emplace({kind, a, b}, static_cast<std::uint32_t>(objects.size()));
  if (is_new) {
    const bool numbered = name.ends_with('#');
    trace.objects.push_back(
        {.kind = kind,
         .name = numbered ? number_object(name.substr(0, name.size() - 1).c_str()) : name});
    objects.emplace_back();
    objects.back().device = a;
    objects.back().inode = b;
  }
  return entry->second;
}

std::pair<std::uint64_t, std::uint64_t> Run::identity_of(std::uint32_t object) const {
  return {objects[object].device, objects[object].inode};
}

std::uint32_t Run::find_object(ObjectKind kind, std::uint64_t a, std::uint64_t b) const {
  const auto found = by_identity_.find({kind, a, b});
  return found == by_identity_.end() ? kNoObject : found->second;
}

void Run::forget_attachments(std::uint32_t process, std::uint64_t address) {
  std::erase_if(attached, [&](const Attachment& at) {
    return at.process == process && (address == 0 || at.address == address);
  });
}

std::string Run::peer_path(const std::string& path) const {
  const std::string& root = stage.sandbox();
  if (path.starts_with(root + "/")) return "." + path.substr(root.size());
  return path;
}

void Run::answer(std::uint32_t task, std::int64_t value) {
  Live& one = live[task];
  seccomp_notif_resp response{};
  response.id = one.pending.notif.id;
  if (value < 0)
    response.error = static_cast<std::int32_t>(value);
  else
    response.val = value;
  // ENOENT: it was killed meanwhile; its death is seen like any other.
  ioctl(stage.listener(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  one.pending.duplicate.reset();
  one.state = State::running;
}

void Run::let_kernel(std::uint32_t task) {
  Live& one = live[task];
  seccomp_notif_resp response{};
  response.id = one.pending.notif.id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(stage.listener(), SECCOMP_IOCTL_NOTIF_SEND, &response);
  one.pending.duplicate.reset();
  one.state = State::running;
}

void Run::sleep_in_kernel(std::uint32_t task) {
  Live& one = live[task];
  Step& step = record_event(Event::waits, task);
  step.n = one.pending.n;
  step.call = one.pending.call;
  step.object = one.pending.object;
  step.detail = one.pending.detail;
  one.pending.duplicate.reset();
  one.slept = std::move(one.pending);
  one.pending = Pending{};
  one.pending.notif = one.slept.notif;
  let_kernel(task);
  one.falls_asleep = true;
}

Step& Run::record(std::uint32_t task, std::int64_t result, std::uint16_t flags) {
  Pending& pending = live[task].pending;
  Step step;
  step.event = Event::call;
  step.call = pending.call;
  step.flags =
      static_cast<std::uint16_t>(flags | pending.flags | (pending.nonblocking ? kNonblocking : 0));
  step.task = task;
  step.n = pending.n;
  step.object = pending.object;
  step.other = pending.other;
  step.result = result;
  step.number = pending.number;
  step.asked = pending.asked;
  step.time_ns = now_ns;
  step.detail = std::move(pending.detail);
  trace.steps.push_back(std::move(step));
  if (pending.object != kNoObject) ++objects[pending.object].version;
  return trace.steps.back();
}

Step& Run::record_event(Event event, std::uint32_t task) {
  Step step;
  step.event = event;
  step.task = task;
  step.time_ns = now_ns;
  trace.steps.push_back(std::move(step));
  return trace.steps.back();
}

void Run::dies(std::uint32_t process) {
  for (Live& one : live)
    if (one.process == process && one.state != State::dead) {
      one.state = State::running;
      one.ticks = 0;
      one.pending.duplicate.reset();
    }
}

void Run::unmanaged(std::uint32_t task, const std::string& why) {
  ++trace.unmanaged;
  record_event(Event::unmanaged, task).detail = why;
}

void Run::signal_task(std::uint32_t task, int signal, bool to_process) {
  Process& process = process_of(task);
  if (process.dead) return;
  if (to_process)
    syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0);
  else
    syscall(SYS_tgkill, process.pid, live[task].tid, signal);
  hint_signal(process);
}

void Run::refresh_reaped(std::uint32_t process) {
  for (Process& child : processes)
    if (child.parent == process && child.dead && !child.reaped &&
        syscall(SYS_pidfd_send_signal, child.pidfd.get(), 0, nullptr, 0) != 0) {
      child.reaped = true;
      child.pidfd.reset();
      trace.tasks[child.main].reaped = true;
    }
}

// SplitMix64 (Steele, Lea, Flood 2014): one word of state, any seed.
std::string Run::random_bytes(std::uint32_t task, std::size_t size) {
  const std::string& name = trace.tasks[task].name;
  std::uint64_t& state = live[task].random_state;
  if (state == 0) state = XXH3_64bits_withSeed(name.data(), name.size(), seed) | 1;
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    std::uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    std::memcpy(bytes.data() + i, &z, std::min(sizeof z, size - i));
  }
  return bytes;
}

}  // namespace pipewrench
