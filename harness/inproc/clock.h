// The clock that the wrappers share: virtual while a VirtualTime lives on this thread, else real.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <ctime>

namespace pipewrench::clock_state {

bool is_virtual();
std::int64_t now_ns();
void advance_ns(std::int64_t wait_ns);
// One one-shot virtual timer, enough for code that arms a timer around a call without a time-out of
// its own.
void arm_timer(std::int64_t after_ns);
void disarm_timer();
// Jumps to the armed timer's time and returns true; false when none is armed.
bool jump_to_timer();
// Ends the process: nobody is left to end this wait.
[[noreturn]] void hangs(const char* call);
// Called on every read of the real clock: aborts with the remedy when an input of the guard is
// running.
void forbid_real_clock(const char* call);
void set_forbidden(bool forbidden);

inline std::int64_t to_ns(const timespec& time) {
  return time.tv_sec * 1'000'000'000L + time.tv_nsec;
}

}  // namespace pipewrench::clock_state
