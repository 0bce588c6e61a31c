// A trace as JSON Lines, for files: README.md describes the form. Knows no file itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "harness/scenario/trace.h"

namespace pipewrench {

// Each line is ASCII; bytes of texts are the characters U+0000 to U+00FF.
std::string to_json_lines(const Trace& trace);
// parse_trace(to_json_lines(trace)) == trace. `file` is what BadInput names.
std::expected<Trace, BadInput> parse_trace(std::string_view text, const std::string& file);

inline constexpr std::size_t kMaxTraceTextBytes = std::size_t{1} << 30;

}  // namespace pipewrench
