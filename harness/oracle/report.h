// Reads what sanitizers, libc and language runtimes print when a program is broken. The text is
// hostile: a peer may print anything.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pipewrench {

struct Report {
  std::string tool = {};                 // "AddressSanitizer", "libc", "Go", "Rust", "C++"
  std::string kind = {};                 // "heap-buffer-overflow"
  std::vector<std::string> frames = {};  // innermost first, without those of the runtime
  bool deliberate = false;               // the program ended itself: assert, panic, terminate
};
inline constexpr std::size_t kMaxFrames = 3;

// The first report in a peer's standard error.
std::optional<Report> report_in(std::string_view text);

// "heap-buffer-overflow in parse < main".
std::string summary(const Report& report);

}  // namespace pipewrench
