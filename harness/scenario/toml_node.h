// A TOML file as a plain tree with line numbers. Behind it is the only place that knows the parser.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/plan.h"

namespace pipewrench {

struct TomlNode {
  enum class Kind : std::uint8_t { table, list, text, integer, flag, other };
  Kind kind = Kind::other;
  std::uint32_t line = 0;         // from 1
  std::string key{};              // of a table's entry
  std::string text{};             // UTF-8
  std::int64_t integer = 0;       // of a flag 0 or 1
  std::vector<TomlNode> items{};  // of a list or a table, in the order of the file
};

std::expected<TomlNode, BadInput> parse_toml(std::string_view toml, const std::string& file);

// The parser takes itself apart by recursion: `a.a.a. ...` could end the process.
inline constexpr std::size_t kMaxTomlDots = 32;  // of one key

}  // namespace pipewrench
