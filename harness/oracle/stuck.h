// Who waits for ever in a run, for whom, and what is behind it: a ring of tasks (deadlock) or a
// task for which nobody comes (hang).
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "harness/oracle/oracle.h"

namespace pipewrench {

struct Stuck {
  std::uint32_t task = kNobody;
  const Step* wait = nullptr;            // its Event::waits
  std::vector<std::uint32_t> awaited{};  // tasks that could let it go on, as far as is known
  bool is_known = false;  // awaited is what the kernel says, not what the calm run did
};

// Tasks that wait for ever where the calm run went on, or though they were told to end; of the calm
// run itself, all.
std::vector<Stuck> stuck_tasks(const Case& c);
// Of a semaphore: whoever gives has taken before. Of another one the last taker owes nothing to
// anybody.
bool is_used_as_lock(const Trace& run, std::uint32_t object);
// Rings among them; each begins with its earliest task. A task that waits for itself is a ring of
// one.
std::vector<std::vector<Stuck>> rings_of(const Trace& run, const std::vector<Stuck>& stuck);
// Those that are in no ring and wait for nobody who is stuck: the others wait only because these
// do.
std::vector<Stuck> roots_of(const Trace& run, const std::vector<Stuck>& stuck);

}  // namespace pipewrench
