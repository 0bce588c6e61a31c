// SPDX-License-Identifier: MIT
#include "targets/ipc/deadline.h"

#include <algorithm>
#include <climits>

namespace ipc {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kNsPerMs = 1'000'000;

std::int64_t clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // cannot fail with this clock and a valid pointer
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

}  // namespace

Deadline Deadline::after(std::chrono::milliseconds wait) {
  constexpr std::int64_t kLongest_ms = INT64_MAX / kNsPerMs / 4;
  const std::int64_t wait_ms = std::clamp<std::int64_t>(wait.count(), 0, kLongest_ms);
  return Deadline(std::max<std::int64_t>(clock_ns() + wait_ms * kNsPerMs, 1));
}

std::int64_t Deadline::remaining_ns() const {
  if (is_now()) return 0;
  if (is_never()) return kNever;
  return std::max<std::int64_t>(at_ns_ - clock_ns(), 0);
}

int Deadline::poll_timeout_ms() const {
  if (is_never()) return -1;
  const std::int64_t left_ms = (remaining_ns() + kNsPerMs - 1) / kNsPerMs;
  return static_cast<int>(std::min<std::int64_t>(left_ms, INT_MAX));
}

timespec Deadline::remaining() const {
  const std::int64_t left = remaining_ns();
  return {.tv_sec = left / kNsPerSecond, .tv_nsec = left % kNsPerSecond};
}

}  // namespace ipc
