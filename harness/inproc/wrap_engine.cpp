// Keeps a fuzzing engine on real time while an input lives on virtual time: its signal handlers
// (libFuzzer's alarm, which times inputs, and its report on SIGINT) are the ones installed while no
// input runs.
// SPDX-License-Identifier: MIT
#include <array>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

using namespace pipewrench;

namespace {

using Action = struct sigaction;

std::array<Action, _NSIG>
    engine_actions{};  // global because a handler gets nothing but its number (sigaction(2))

void run_engine_handler(int signal, siginfo_t* info, void* context) {
  const clock_state::EngineScope real_time;
  const Action& action = engine_actions[static_cast<std::size_t>(signal)];
  if ((action.sa_flags & SA_SIGINFO) != 0)
    action.sa_sigaction(signal, info, context);
  else
    action.sa_handler(signal);
}

bool has_handler(const Action& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 ||
         (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

}  // namespace

extern "C" int __wrap_sigaction(int signal, const Action* action, Action* old) {
  if (signal <= 0 || signal >= _NSIG) return __real_sigaction(signal, action, old);
  Action& engine = engine_actions[static_cast<std::size_t>(signal)];
  const Action before = engine;
  Action inner;
  const Action* installed = action;
  // An input that puts back what it found puts back the engine's handler.
  if (action != nullptr && has_handler(*action) &&
      (!clock_state::in_input() || action->sa_sigaction == engine.sa_sigaction)) {
    engine = inner = *action;
    // The only one that returns to the input: no call of it is to fail for that (signal(7)).
    if (signal == SIGALRM) inner.sa_flags |= SA_RESTART;
    inner.sa_flags |= SA_SIGINFO;
    inner.sa_sigaction = run_engine_handler;
    installed = &inner;
  }
  const int result = __real_sigaction(signal, installed, old);
  if (result == 0 && old != nullptr && (old->sa_flags & SA_SIGINFO) != 0 &&
      old->sa_sigaction == run_engine_handler)
    *old = before;
  return result;
}
