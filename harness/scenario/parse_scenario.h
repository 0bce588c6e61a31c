// A scenario as TOML, read and written: README.md describes the keys. Knows no file itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "harness/scenario/scenario.h"

namespace pipewrench {

// `file` is what BadInput names, and names the scenario that has no name of its own.
std::expected<Scenario, BadInput> parse_scenario(std::string_view toml, const std::string& file);
// parse_scenario(print_scenario(scenario)) == scenario, for what parse_scenario() may return.
std::string print_scenario(const Scenario& scenario);

inline constexpr std::size_t kMaxScenarioBytes = 16 << 20;
inline constexpr std::size_t kMaxScenarioText = 1 << 20;   // bytes of one text
inline constexpr std::size_t kMaxScenarioItems = 1'000;    // of one list
inline constexpr std::size_t kMaxSegmentBytes = 64 << 20;  // of a segment that stands at the start

// The keys of [setup] in the order in which their files are made: links last, so that nothing is
// made through one.
inline constexpr std::array<std::pair<const char*, SetupFile::Kind>, 4> kSetupFileKinds = {
    {{"directory", SetupFile::Kind::directory},
     {"file", SetupFile::Kind::file},
     {"fifo", SetupFile::Kind::fifo},
     {"link", SetupFile::Kind::link}}};

// What a set-up file has where the scenario does not say.
constexpr std::uint32_t default_mode(SetupFile::Kind kind) {
  return kind == SetupFile::Kind::directory ? 0700 : 0600;
}

}  // namespace pipewrench
