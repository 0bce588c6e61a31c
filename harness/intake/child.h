// Child: one program, run to its end within limits, its output bounded. Nothing of it is left: its
// process group dies with it, and it dies with us.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace pipewrench {

struct ChildLimits {
  std::uint32_t timeout_ms = 30'000;  // of wall clock; it is killed then
  std::size_t most_output_bytes = std::size_t{2} << 20;
  std::uint64_t most_file_bytes = std::uint64_t{64} << 20;  // of each file it writes
};
struct ChildRun {
  std::string output;  // standard output and standard error, as they came
  int status = 0;      // as of waitpid(2)
  bool timed_out = false;
};

// `environment`: "NAME=value" above our own. Fails with the reason, where it cannot be started.
std::expected<ChildRun, std::string> run_child(const std::vector<std::string>& words,
                                               const std::vector<std::string>& environment,
                                               const std::string& directory,
                                               const ChildLimits& limits);

}  // namespace pipewrench
