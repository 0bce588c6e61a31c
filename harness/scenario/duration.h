// Times for people: "10s", "500ms", "5min". Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pipewrench {

// A whole number above 0 and ns, us, ms, s, min or h, in nanoseconds; 0 for what is none or above
// kMaxDurationNs.
std::uint64_t parse_duration(std::string_view text);
// In the largest unit that needs no fraction.
std::string print_duration(std::uint64_t time_ns);

inline constexpr std::uint64_t kMaxDurationNs = 1'000'000'000'000'000'000;  // thirty years

}  // namespace pipewrench
