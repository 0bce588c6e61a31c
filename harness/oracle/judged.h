// What the oracles say of a run by hand, in the words of a test.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/oracle/oracle.h"
#include "harness/scenario/trace_builder.h"

namespace pipewrench::test {

inline Scenario scenario_of(const Trace& trace) {
  Scenario scenario;
  for (const Task& task : trace.tasks)
    if (task.parent == kNobody && task.peer == scenario.peers.size())
      scenario.peers.push_back({.name = task.name});
  return scenario;
}

inline std::vector<Verdict> judged(const TraceBuilder& calm, const TraceBuilder& run) {
  const Scenario scenario = scenario_of(calm.trace);
  return judge({.scenario = scenario, .calm = calm.trace, .run = run.trace});
}
inline std::vector<Verdict> judged(const TraceBuilder& calm) {
  const Scenario scenario = scenario_of(calm.trace);
  return judge({.scenario = scenario, .calm = calm.trace, .run = calm.trace});
}

inline std::string texts(const std::vector<Verdict>& verdicts) {
  std::string text;
  for (const Verdict& verdict : verdicts)
    text += (verdict.severity == Severity::note ? "(note) " : "") + verdict.signature + '\n';
  return text;
}

// Exactly this one, and its sentence says so.
inline void expect_one(const std::vector<Verdict>& verdicts, const std::string& signature,
                       const std::string& said) {
  EXPECT_EQ(texts(verdicts), signature + '\n');
  if (verdicts.empty()) return;
  EXPECT_NE(verdicts[0].explanation.find(said), std::string::npos) << verdicts[0].explanation;
  EXPECT_TRUE(verdicts[0].explanation.ends_with('.')) << verdicts[0].explanation;
}
inline void expect_silent(const std::vector<Verdict>& verdicts) { EXPECT_EQ(texts(verdicts), ""); }

}  // namespace pipewrench::test
