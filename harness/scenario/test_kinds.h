// The kind of an object by its name, for tests that build traces by hand.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "harness/scenario/trace.h"

namespace pipewrench::test {

inline ObjectKind kind_of_name(const std::string& name) {
  constexpr std::array kKinds = {"pipe",      "fifo",   "queue",  "segment",
                                 "semaphore", "socket", "eventfd"};
  if (name.starts_with("mqueue")) return ObjectKind::mqueue;
  const auto kind = std::ranges::find_if(kKinds, [&](auto word) { return name.starts_with(word); });
  return kind == kKinds.end() ? ObjectKind::file : static_cast<ObjectKind>(kind - kKinds.begin());
}

}  // namespace pipewrench::test
