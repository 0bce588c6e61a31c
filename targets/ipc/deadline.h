// A point on CLOCK_MONOTONIC until which an operation may wait. Every blocking operation takes one.
// Reads the clock through clock_gettime() only (never std::chrono's now), so that a harness can
// make time virtual.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace ipc {

class Deadline {
 public:
  // Do not wait at all; reads no clock. Expiry is reported as Kind::would_block.
  static Deadline now() { return Deadline(kNow); }
  // Wait for ever; reads no clock.
  static Deadline never() { return Deadline(kNever); }
  // Expiry is reported as Kind::timed_out.
  static Deadline after(std::chrono::milliseconds wait);

  bool is_now() const { return at_ns_ == kNow; }
  bool is_never() const { return at_ns_ == kNever; }
  bool expired() const { return remaining_ns() == 0; }
  // For poll(2): -1 for never, 0 when expired, else rounded up to a whole millisecond.
  int poll_timeout_ms() const;
  // Time left; only for a deadline that is not never().
  timespec remaining() const;

 private:
  static constexpr std::int64_t kNow = 0;
  static constexpr std::int64_t kNever = INT64_MAX;

  explicit Deadline(std::int64_t at_ns) : at_ns_(at_ns) {}
  std::int64_t remaining_ns() const;

  std::int64_t at_ns_;
};

}  // namespace ipc
