// Log: what a run of a fuzz target or a program under a sanitizer said of its end. Pure.
// A log is hostile text: what is too long or too much is left out, nothing in it is believed to be
// well-formed.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/store/records.h"

namespace pipewrench {

struct Crash {
  std::string tool{};  // asan ubsan lsan tsan msan libfuzzer target guard check core
  std::string kind{};  // as ASan names it: heap-buffer-overflow; empty: the log tells of no failure
  std::string detail{};         // the rest of what the tool said: "receive: size: real 5, model 4"
  std::string access{};         // "WRITE of size 4"
  std::vector<Stack> stacks{};  // the first is where it happened
  bool operator==(const Crash&) const = default;
};

// Of the first failure in the log. A difference, a guard's message or a CHECK that failed is the
// kind; the abort that follows it gives the stack.
Crash crash_of(std::string_view log);

inline constexpr std::size_t kMostLog_bytes = std::size_t{4} << 20;  // the rest is not looked at
inline constexpr std::size_t kMostLine_bytes = 8192;
inline constexpr std::size_t kMostStacks = 16;
inline constexpr std::size_t kMostFrames = 64;  // of a stack

}  // namespace pipewrench
