// Request and Answer: what explorer and worker say to each other, and its form on the socket. Plain
// data; must not touch a descriptor.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "harness/oracle/oracle.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/trace.h"
#include "harness/syscalls/table.h"

namespace pipewrench {

enum class Chooser : std::uint8_t { plan, pct, random };

// One run that is wanted.
struct Request {
  Chooser chooser = Chooser::plan;
  Plan plan{};               // of Chooser::plan; empty: the calm run
  std::uint64_t seed = 0;    // of the other two
  std::uint32_t depth = 1;   // pct: change points + 1
  std::uint32_t length = 1;  // pct: calls among which change points are drawn
  // Faults beyond this level are left out, and at linux_ amounts are moved into what the kernel
  // could do. hostile: what the plan says is played.
  Realism realism = Realism::hostile;
  bool want_trace = false;
  bool certain = false;  // what a cut run seems to show is looked at again in a much longer one

  bool operator==(const Request&) const = default;
};

// What came of it.
struct Answer {
  std::vector<Verdict> verdicts{};
  Plan made{};                        // the deviations that came to pass: replays the run
  Realism realism = Realism::linux_;  // the lowest level that allows them all
  std::uint64_t trace_hash = 0;
  std::uint64_t behaviour = 0;  // behaviour.h
  std::uint32_t steps = 0;
  std::uint32_t unmanaged = 0;
  std::vector<std::string> unmanaged_of{};  // who, and in which call
  // The run was cut: what was under way then looks like a hang, and nobody has looked again.
  bool hasty = false;
  Ending ending = Ending::exited;
  std::string error{};  // of Ending::harness_error
  std::string trace{};  // packed, if wanted
};

std::string encode(const Request& request);
std::string encode(const Answer& answer);
// Fails with what is wrong: the other side has been damaged.
std::expected<Request, std::string> decode_request(std::string_view bytes);
std::expected<Answer, std::string> decode_answer(std::string_view bytes);

inline constexpr std::uint32_t kMaxMessage = 256 << 20;

}  // namespace pipewrench
