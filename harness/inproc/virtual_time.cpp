// SPDX-License-Identifier: MIT
#include "harness/inproc/virtual_time.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "harness/core/check.h"
#include "harness/inproc/clock.h"

namespace pipewrench {
namespace {

constexpr std::int64_t kStart_ns = 1'000'000'000'000'000'000;  // any fixed time
constexpr std::int64_t kNoTimer = -1;

struct State {
  bool is_virtual = false;
  bool real_forbidden = false;
  std::int64_t now_ns = kStart_ns;
  std::int64_t timer_at_ns = kNoTimer;
};
thread_local State state;

}  // namespace

VirtualTime::VirtualTime() {
  CHECK(!state.is_virtual);
  state.is_virtual = true;
  state.now_ns = kStart_ns;
  state.timer_at_ns = kNoTimer;
}

VirtualTime::~VirtualTime() { state.is_virtual = false; }

std::int64_t VirtualTime::elapsed_ns() { return state.now_ns - kStart_ns; }

namespace clock_state {

bool is_virtual() { return state.is_virtual; }
std::int64_t now_ns() { return state.now_ns; }
void advance_ns(std::int64_t wait_ns) { state.now_ns += std::max<std::int64_t>(wait_ns, 0); }
void arm_timer(std::int64_t after_ns) { state.timer_at_ns = state.now_ns + after_ns; }
void disarm_timer() { state.timer_at_ns = kNoTimer; }

bool jump_to_timer() {
  if (state.timer_at_ns == kNoTimer) return false;
  state.now_ns = std::max(state.now_ns, state.timer_at_ns);
  return true;
}

void hangs(const char* call) {
  std::fprintf(
      stderr,
      "pipewrench: hang: %s() would sleep for ever: this thread is the only one, no time-out is "
      "set.\n"
      "pipewrench: to fix: give the call a deadline, or end the wait from what the input does.\n",
      call);
  std::abort();
}

void set_forbidden(bool forbidden) { state.real_forbidden = forbidden; }

void forbid_real_clock(const char* call) {
  if (!state.real_forbidden) return;
  state.real_forbidden = false;
  std::fprintf(stderr,
               "pipewrench: this input read the real clock with %s(), so it may behave differently "
               "next time.\n"
               "pipewrench: to fix: construct a pipewrench::VirtualTime before the code that reads "
               "the clock.\n",
               call);
  std::abort();
}

}  // namespace clock_state
}  // namespace pipewrench
