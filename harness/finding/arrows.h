// Arrows: which step of a run received what which other step sent. For pictures of a run.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "harness/scenario/trace.h"

namespace pipewrench {

enum class ArrowKind : std::uint8_t { message, bytes, signal };
struct Arrow {
  std::uint32_t from = 0, to = 0;  // steps
  ArrowKind kind = ArrowKind::bytes;
  bool operator==(const Arrow&) const = default;
};

// In the order in which they end. What nobody received has none.
std::vector<Arrow> arrows(const Trace& trace);

}  // namespace pipewrench
