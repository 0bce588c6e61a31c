// Conductor: runs the peers of a scenario one step at a time, as a policy says, and writes the
// trace. Lives in a worker process that does nothing else: start() enters namespaces for good.
// Must not judge.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "harness/conduct/debugger.h"
#include "harness/conduct/policy.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

struct ConductorOptions {
  bool namespaces = true;  // false: the host's IPC and PID namespaces; removes only what peers made
  std::uint64_t seed = 0;  // of getrandom(2)
  Debug debug{};           // of the first run
  int cpu = -1;            // the one that worker and peers run on; -1: not pinned
  int caller = -1;         // a socket: once its other side is closed, a run ends at once; -1: none
};

class Conductor {
 public:
  // Fails with what this machine lacks and its remedy. The calling process must have one thread.
  static std::expected<Conductor, std::string> start(const ConductorOptions& options);
  Conductor(Conductor&&) noexcept;
  Conductor& operator=(Conductor&&) noexcept;
  ~Conductor();

  // One run from nothing to nothing. Never throws; what goes wrong on our side is
  // Ending::harness_error.
  Trace run(const Scenario& scenario, Policy& policy);

 private:
  struct Impl;
  explicit Conductor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pipewrench
