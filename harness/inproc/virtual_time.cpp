// SPDX-License-Identifier: MIT
#include "harness/inproc/virtual_time.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

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
  std::int64_t timer_interval_ns = 0;
  unsigned engine_signals = 0;
};
thread_local State state;

}  // namespace

VirtualTime::VirtualTime() {
  CHECK(!state.is_virtual);
  const bool real_forbidden = state.real_forbidden;
  state = {.is_virtual = true, .real_forbidden = real_forbidden};
}

VirtualTime::~VirtualTime() { state.is_virtual = false; }

std::int64_t VirtualTime::elapsed_ns() { return state.now_ns - kStart_ns; }

namespace clock_state {

bool is_virtual() { return state.is_virtual; }
std::int64_t now_ns() { return state.now_ns; }
void advance_ns(std::int64_t wait_ns) { state.now_ns += std::max<std::int64_t>(wait_ns, 0); }

std::int64_t arm_timer(std::int64_t after_ns, std::int64_t interval_ns) {
  const std::int64_t left_ns = disarm_timer();
  state.timer_at_ns = state.now_ns + std::max<std::int64_t>(after_ns, 0);
  state.timer_interval_ns = interval_ns;
  return left_ns;
}

std::int64_t disarm_timer() {
  const std::int64_t at_ns = std::exchange(state.timer_at_ns, kNoTimer);
  return at_ns == kNoTimer ? 0 : std::max<std::int64_t>(at_ns - state.now_ns, 1);
}

namespace {

[[noreturn]] void hangs(const char* call) {
  std::fprintf(
      stderr,
      "pipewrench: hang: %s() would sleep for ever: this thread is the only one, no time-out is "
      "set.\n"
      "pipewrench: to fix: give the call a deadline, or end the wait from what the input does.\n",
      call);
  std::abort();
}

}  // namespace

Wake sleep_ns(const char* call, std::int64_t timeout_ns) {
  const bool has_timer = state.timer_at_ns != kNoTimer;
  if (timeout_ns < 0 && !has_timer) hangs(call);
  const std::int64_t until_ns = state.now_ns + timeout_ns;
  if (timeout_ns >= 0 && (!has_timer || until_ns <= state.timer_at_ns)) {
    state.now_ns = until_ns;
    return Wake::timed_out;
  }
  state.now_ns = std::max(state.now_ns, state.timer_at_ns);
  state.timer_at_ns =
      state.timer_interval_ns > 0 ? state.now_ns + state.timer_interval_ns : kNoTimer;
  return Wake::interrupted;
}

int real_clock_gettime(clockid_t clock, timespec* time) {
  // Not __real_clock_gettime: that name is bound to the definition below.
  using ClockGettime = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<ClockGettime>(::dlsym(RTLD_NEXT, "clock_gettime"));
  CHECK(real != nullptr);  // only in a program without a dynamic libc
  return real(clock, time);
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

unsigned engine_signals() { return state.engine_signals; }

bool in_input() { return state.is_virtual || state.real_forbidden; }

EngineScope::EngineScope()
    : was_virtual_(std::exchange(state.is_virtual, false)),
      was_forbidden_(std::exchange(state.real_forbidden, false)) {
  ++state.engine_signals;
}

EngineScope::~EngineScope() {
  state.is_virtual = was_virtual_;
  state.real_forbidden = was_forbidden_;
}

}  // namespace clock_state
}  // namespace pipewrench

// std::chrono's now() lives in libstdc++.so, which the linker's --wrap does not reach: it binds to
// this definition, because the executable comes first in the dynamic linker's search (ld.so(8)). In
// a program linked with -static-libstdc++ --wrap reaches it.
extern "C" int __wrap_clock_gettime(clockid_t clock, timespec* time);
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  return __wrap_clock_gettime(clock, time);
}
