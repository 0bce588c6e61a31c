// Waiting for several descriptors: poll, select, epoll_wait. Readiness is looked at one by one; a
// time-out passes on the virtual clock.
// SPDX-License-Identifier: MIT
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/signals.h"

namespace pipewrench {
namespace {

constexpr std::uint64_t kMostDescriptors = 1024;

struct Watch {
  int fd;
  short events;
  bool on_edge = false;  // EPOLLET
};

void set_time_out(Run& run, Pending& pending, std::int64_t wait_ns) {
  if (wait_ns < 0) return;
  pending.nonblocking = wait_ns == 0;
  pending.due_ns = run.now_ns + static_cast<std::uint64_t>(wait_ns);
}

std::int64_t timespec_ns(Run& run, std::uint32_t task, std::uint64_t address) {
  if (address == 0) return -1;
  const auto time = read_value<timespec>(run.process_of(task).pid, address);
  return time ? time->tv_sec * 1'000'000'000 + time->tv_nsec : -1;
}

std::vector<Watch> watches_of_poll(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  std::vector<pollfd> polled(std::min(pending.address(1), kMostDescriptors));
  const std::size_t size = polled.size() * sizeof(pollfd);
  std::vector<Watch> watches;
  if (read_memory(run.process_of(task).pid, pending.address(0), polled.data(), size) != size)
    return watches;
  for (const pollfd& one : polled)
    if (one.fd >= 0) watches.push_back({one.fd, one.events});
  return watches;
}

std::vector<Watch> watches_of_select(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const int count = static_cast<int>(std::min<std::uint64_t>(pending.address(0), FD_SETSIZE));
  constexpr short kEvents[] = {POLLIN, POLLOUT, POLLPRI};
  std::vector<Watch> watches;
  for (unsigned set = 0; set < 3; ++set) {
    fd_set bits{};
    const std::size_t size = (static_cast<std::size_t>(count) + 63) / 64 * 8;
    if (pending.address(set + 1) == 0 ||
        read_memory(run.process_of(task).pid, pending.address(set + 1), &bits, size) != size)
      continue;
    for (int fd = 0; fd < count; ++fd)
      if (FD_ISSET(fd, &bits)) watches.push_back({fd, kEvents[set]});
  }
  return watches;
}

// What an epoll instance watches (proc(5), fdinfo). A duplicate polled as a whole would do but for
// a signalfd in it.
std::vector<Watch> watches_of_epoll(Run& run, std::uint32_t task) {
  char path[64], line[256];
  std::snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", run.process_of(task).pid,
                static_cast<int>(run.pending_of(task).address(0)));
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
  std::vector<Watch> watches;
  while (file && std::fgets(line, sizeof line, file.get()) != nullptr) {
    int fd = -1;
    unsigned events = 0;
    if (std::sscanf(line, "tfd: %d events: %x", &fd, &events) == 2)
      watches.push_back({fd, static_cast<short>(events & (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)),
                         (events & EPOLLET) != 0});
  }
  // The kernel lists them by address of their files, which changes from run to run.
  std::ranges::sort(watches, {}, &Watch::fd);
  return watches;
}

std::vector<Watch> watches_of(Run& run, std::uint32_t task) {
  switch (run.pending_of(task).call) {
    case Call::poll:
      return watches_of_poll(run, task);
    case Call::select:
      return watches_of_select(run, task);
    default:
      return watches_of_epoll(run, task);
  }
}

// The mask that ppoll, pselect6 and epoll_pwait swap in while they wait; nothing: they do not.
std::optional<std::uint64_t> swapped_mask(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const pid_t pid = run.process_of(task).pid;
  std::uint64_t at = 0;
  switch (pending.notif.data.nr) {
    case SYS_ppoll:
      at = pending.address(3);
      break;
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      at = pending.address(4);
      break;
    case SYS_pselect6:
      if (pending.address(5) != 0)
        at = read_value<std::uint64_t>(pid, pending.address(5)).value_or(0);
      break;
    default:
      break;
  }
  if (at == 0) return {};
  return read_value<std::uint64_t>(pid, at);
}

Look look_wait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  switch (pending.notif.data.nr) {
#ifdef SYS_poll
    case SYS_poll:
      if (const int limit_ms = static_cast<int>(pending.address(2)); limit_ms >= 0)
        set_time_out(run, pending, limit_ms * 1'000'000LL);
      break;
    case SYS_select:
      if (pending.address(4) != 0)
        if (const auto time = read_value<timeval>(run.process_of(task).pid, pending.address(4)))
          set_time_out(run, pending, time->tv_sec * 1'000'000'000 + time->tv_usec * 1'000);
      break;
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
      if (const int limit_ms = static_cast<int>(pending.address(3)); limit_ms >= 0)
        set_time_out(run, pending, limit_ms * 1'000'000LL);
      break;
    case SYS_ppoll:
      set_time_out(run, pending, timespec_ns(run, task, pending.address(2)));
      break;
    case SYS_pselect6:
      set_time_out(run, pending, timespec_ns(run, task, pending.address(4)));
      break;
    default:
      set_time_out(run, pending, timespec_ns(run, task, pending.address(3)));
  }
  const std::vector<Watch> watches = watches_of(run, task);
  for (const Watch& watch : watches) {
    const bool wanted = pending.nonblocking;
    if (look_descriptor(run, task, watch.fd)) {
      pending.nonblocking = wanted;
      char text[32];
      std::snprintf(text, sizeof text, "fd %d%s", watch.fd, watches.size() > 1 ? ", ..." : "");
      pending.detail = text;
      return Look::ipc;
    }
  }
  // select without descriptors is a sleep; one on plain files never blocks.
  return watches.empty() && !pending.nonblocking ? Look::ipc : Look::pass;
}

bool is_signalfd(Run& run, std::uint32_t task, int fd) {
  char path[48], name[64];
  std::snprintf(path, sizeof path, "/proc/%d/fd/%d", run.process_of(task).pid, fd);
  const ssize_t size = readlink(path, name, sizeof name);
  return size > 0 &&
         std::string_view(name, static_cast<std::size_t>(size)) == "anon_inode:[signalfd]";
}

// Only the instance knows which edges it has told of. Who polls it takes out what is not ready: a
// signalfd, which tells each of his own signals.
bool has_new_edge(Run& run, std::uint32_t task, const std::vector<Watch>& watches) {
  const bool has_signalfd = std::ranges::any_of(
      watches, [&](const Watch& watch) { return is_signalfd(run, task, watch.fd); });
  return has_signalfd ||
         poll_descriptor(run, task, static_cast<int>(run.pending_of(task).address(0)), POLLIN) != 0;
}

std::int64_t ready_count(Run& run, std::uint32_t task) {
  std::int64_t count = 0, edges = 0;
  const std::vector<Watch> watches = watches_of(run, task);
  for (const Watch& watch : watches)
    if (poll_descriptor(run, task, watch.fd, watch.events) != 0) ++(watch.on_edge ? edges : count);
  return edges != 0 && has_new_edge(run, task, watches) ? count + edges : count;
}

bool can_wait(Run& run, std::uint32_t task) {
  if (run.pending_of(task).nonblocking) return true;
  if (run.process_of(task).signal_hint)
    if (const auto mask = swapped_mask(run, task)) {
      const TaskStatus& status = signals_of(run, task);
      if (((status.own_pending | status.shared_pending) & ~*mask & ~status.ignored) != 0)
        return true;
    }
  return ready_count(run, task) > 0;
}

// Nothing is ready: what the kernel leaves in the caller's memory then.
void clear_results(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const pid_t pid = run.process_of(task).pid;
  if (pending.call == Call::poll) {
    std::vector<pollfd> polled(std::min(pending.address(1), kMostDescriptors));
    const std::size_t size = polled.size() * sizeof(pollfd);
    if (read_memory(pid, pending.address(0), polled.data(), size) != size) return;
    for (pollfd& one : polled) one.revents = 0;
    write_memory(pid, pending.address(0), polled.data(), size);
  }
  if (pending.call == Call::select) {
    const fd_set none{};
    const std::size_t size =
        (std::min<std::uint64_t>(pending.address(0), FD_SETSIZE) + 63) / 64 * 8;
    for (unsigned set = 1; set <= 3; ++set)
      if (pending.address(set) != 0) write_memory(pid, pending.address(set), &none, size);
    const timespec nothing_left{};
    if (pending.address(4) != 0)
      write_memory(pid, pending.address(4), &nothing_left, sizeof nothing_left);
  }
}

void act_wait(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const std::int64_t count = ready_count(run, task);
  if (pending.timed_out && (count == 0 || pending.forced_time_out)) {
    clear_results(run, task);
    run.record(task, 0, kTimedOut);
    run.answer(task, 0);
    return;
  }
  pending.expected = count > 0 || pending.nonblocking ? count : -EINTR;
  kernel_acts(run, task);
}

constexpr CallRow kRows[] = {
    {SYS_ppoll, Call::poll, look_wait, can_wait, act_wait},
    {SYS_pselect6, Call::select, look_wait, can_wait, act_wait},
    {SYS_epoll_pwait, Call::epoll_wait, look_wait, can_wait, act_wait},
    {SYS_epoll_pwait2, Call::epoll_wait, look_wait, can_wait, act_wait},
#ifdef SYS_poll
    {SYS_poll, Call::poll, look_wait, can_wait, act_wait},
    {SYS_select, Call::select, look_wait, can_wait, act_wait},
    {SYS_epoll_wait, Call::epoll_wait, look_wait, can_wait, act_wait},
#endif
};

}  // namespace

std::span<const CallRow> wait_rows() { return kRows; }

}  // namespace pipewrench
