// What a plan did to a run: only what a right program may not show (schedule, short transfers,
// EINTR), or worse, and then to whom. Decides whether a difference is a finding, a note or nothing.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "harness/scenario/plan.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

// Whom a deviation that is not transparent was done to.
struct Victim {
  Deviate how = Deviate::kill;
  std::uint32_t task = kNobody;
  std::uint32_t step = 0;  // where it died, or the step of the call
  int number = 0;          // errno or signal
};

struct Means {
  std::vector<Victim> victims;
  bool transparent() const { return victims.empty(); }
  bool did(Deviate how) const;
  bool is_victim(std::uint32_t task) const;
  bool is_victim_peer(const Trace& run, std::uint32_t peer) const;
};
Means means_of(const Trace& run);

// A signal that a program does not handle ends it like SIGKILL.
bool is_ended_by_plan(const Trace& run, std::uint32_t task);

// Whether the survivor had to do with the victim, so that it may be expected to notice its end: the
// same peer, a signal between them, or an object that both have used.
bool met(const Trace& run, std::uint32_t survivor, const Victim& victim);

}  // namespace pipewrench
