// Record: what a search leaves in the store of findings, beside the directory of each finding.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "harness/cli/arguments.h"
#include "harness/explore/explore.h"
#include "harness/finding/finding.h"
#include "reports/store/store.h"

namespace pipewrench {

class SearchRecord {
 public:
  // The run appears in OUT/findings.db as begun.
  static Stored<SearchRecord> begin(const Arguments& arguments, const Scenario& scenario);
  Stored<Standing> take(const Finding& finding, const std::string& replay);
  // How many causes the store has got, as `findings list` counts them: several findings may be one.
  struct Causes {
    std::size_t findings = 0, notes = 0;
  };
  Causes causes() const;
  // `outcome`: "ended", "stopped", "failed: why".
  Stored<void> end(const Progress& progress, double seconds, const std::string& outcome);

 private:
  SearchRecord(FindingStore store, const Scenario& scenario, RunRecord run, bool is_own)
      : store_(std::move(store)), scenario_(scenario), run_(std::move(run)), is_own_(is_own) {}

  FindingStore store_;
  const Scenario& scenario_;
  RunRecord run_;
  bool is_own_;                          // else it is part of a longer one
  std::map<std::string, bool> is_note_;  // by id
};

// That a run to which something is to be added is there: before the work, not after it.
Stored<void> check_run(FindingStore& store, std::int64_t run);
// The same finding for the store; its occurrence has no run yet.
FindingRecord record_of(const Finding& finding, const Scenario& scenario,
                        const std::string& replay);
// Now, in ms since 1970.
std::int64_t wall_clock_ms();
// Of what is tested, as CI systems say it: PIPEWRENCH_COMMIT, GITHUB_SHA or CI_COMMIT_SHA.
std::string commit_of_environment();

}  // namespace pipewrench
