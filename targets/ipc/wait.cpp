// SPDX-License-Identifier: MIT
#include "targets/ipc/wait.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace ipc {

Result<std::size_t> wait_any(std::span<pollfd> entries, Deadline deadline) {
  if (entries.size() > kMostWaited)
    return fail(Kind::bad_argument, 0, "wait_any",
                {{{"count", static_cast<long>(entries.size())}}});
  for (;;) {
    const int count = ::poll(entries.data(), entries.size(), deadline.poll_timeout_ms());
    if (count > 0) {
      for (const pollfd& entry : entries)
        if ((entry.revents & POLLNVAL) != 0)
          return fail(Kind::bad_argument, EBADF, "poll", {{{"fd", entry.fd}}});
      return static_cast<std::size_t>(count);
    }
    // poll() is never restarted, whatever SA_RESTART says (signal(7)): EINTR comes also where it
    // does not wait, but only where nothing is ready.
    if (count < 0 && errno != EINTR) return fail("poll");
    if (deadline.is_now()) return fail(Kind::would_block, EAGAIN, "poll");
    if (deadline.expired()) return fail(Kind::timed_out, ETIMEDOUT, "poll");
  }
}

Result<std::size_t> wait_readable(std::initializer_list<int> fds, Deadline deadline) {
  std::array<pollfd, kMostWaited> entries{};
  const std::size_t count = std::min(fds.size(), entries.size());
  if (count != fds.size())
    return fail(Kind::bad_argument, 0, "wait_readable",
                {{{"count", static_cast<long>(fds.size())}}});
  std::ranges::transform(fds, entries.begin(),
                         [](int fd) { return pollfd{.fd = fd, .events = POLLIN, .revents = 0}; });
  const auto ready = wait_any(std::span(entries.data(), count), deadline);
  if (!ready) return ready;
  const auto first =
      std::ranges::find_if(entries, [](const pollfd& entry) { return entry.revents != 0; });
  return static_cast<std::size_t>(first - entries.begin());
}

}  // namespace ipc
