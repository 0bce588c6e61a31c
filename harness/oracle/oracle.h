// Oracles: each looks at one run beside the calm run and says what is wrong. Pure: (scenario, calm,
// run) -> verdicts. One file an oracle; the table is in oracle.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

enum class Severity : std::uint8_t { finding, note };

struct Verdict {
  Severity severity = Severity::finding;
  std::string kind = {};  // "deadlock"; what a scenario's [planted] says
  // Same cause, same signature: roles of peers, calls, objects; no counts, no PIDs.
  std::string signature = {};
  std::vector<std::string> peers = {};  // names of tasks, the victim first
  std::uint32_t step = 0;               // of the trace, where it shows
  std::string explanation = {};         // one sentence: who, which call, which object, why
};

// What an oracle may look at. calm is the run without deviations; it is `run` itself when that is
// the one judged.
struct Case {
  const Scenario& scenario;
  const Trace& calm;
  const Trace& run;
  bool is_calm() const { return &calm == &run; }
};

struct OracleRow {
  const char* name;
  std::vector<Verdict> (*judge)(const Case&);
  const char* what;
};
std::span<const OracleRow> oracles();

// All of them; verdicts that another one explains are left out (a hang that is part of a deadlock).
std::vector<Verdict> judge(const Case& c);

}  // namespace pipewrench
