// The clock that the wrappers share: virtual while a VirtualTime lives on this thread, else real.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <ctime>

namespace pipewrench::clock_state {

bool is_virtual();
std::int64_t now_ns();
void advance_ns(std::int64_t wait_ns);

// One virtual timer, enough for code that arms a timer around a call without a time-out of its own.
// Times are relative; interval_ns 0 is a one-shot. Returns what was left of the timer before (0:
// none armed).
std::int64_t arm_timer(std::int64_t after_ns, std::int64_t interval_ns);
std::int64_t disarm_timer();

enum class Wake : std::uint8_t { timed_out, interrupted };
// A sleep that no other thread can end: jumps to whichever comes first, its time-out (negative:
// none) or the armed timer, whose signal interrupts. Neither: ends the process as a hang.
Wake sleep_ns(const char* call, std::int64_t timeout_ns);

// The kernel's answer, whoever else stands under the name clock_gettime in this executable.
int real_clock_gettime(clockid_t clock, timespec* time);
// Called on every read of the real clock: aborts with the remedy when an input of the guard is
// running.
void forbid_real_clock(const char* call);
void set_forbidden(bool forbidden);

// True while an input runs on this thread: its clock is virtual or forbidden.
bool in_input();
// How many of the engine's signal handlers have run on this thread.
unsigned engine_signals();
// While it lives, this thread reads the real clock freely: for a fuzzing engine's own signal
// handlers, which measure how long an input takes while it runs.
class EngineScope {
 public:
  EngineScope();
  ~EngineScope();
  EngineScope(const EngineScope&) = delete;
  EngineScope& operator=(const EngineScope&) = delete;

 private:
  bool was_virtual_;
  bool was_forbidden_;
};

inline std::int64_t to_ns(const timespec& time) {
  return time.tv_sec * 1'000'000'000L + time.tv_nsec;
}

}  // namespace pipewrench::clock_state
