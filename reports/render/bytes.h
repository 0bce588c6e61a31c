// Hostile bytes for formats that hold text. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipewrench {

// One line: control bytes and what is not ASCII as C escapes, quotes as they are.
std::string one_line(std::string_view bytes, std::size_t most_bytes = SIZE_MAX);
// Lines: newlines and tabs stay, other control bytes and what is not ASCII as C escapes.
std::string plain_lines(std::string_view bytes, std::size_t most_bytes = SIZE_MAX);
// Of plain text, for XML: & < > " '.
std::string xml(std::string_view plain);
// "2026-11-23 14:38:05", UTC.
std::string utc(std::int64_t at_ms);

}  // namespace pipewrench
