// What holds for every text form: what is wrong is one printable line, and what was read is the
// same after it was written and read again. Makes no system call.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "harness/core/check.h"
#include "harness/core/printable.h"
#include "harness/inproc/say.h"

namespace fuzz {

// `parse` takes a text and a file's name, `print` what `parse` made.
void round_trip(std::string_view text, auto parse, auto print) {
  const auto value = parse(text, "input");
  if (!value) {
    const std::string cause = value.error().text();
    if (pipewrench::says()) std::fprintf(stderr, "  %s\n", cause.c_str());
    CHECK(std::ranges::all_of(cause, [](char c) { return c >= 0x20 && c < 0x7f; }));
    return;
  }
  const std::string printed = print(*value);
  if (pipewrench::says())
    std::fprintf(stderr, "  written again: %s\n", pipewrench::printable(printed).c_str());
  const auto again = parse(printed, "input");
  CHECK(again.has_value());
  CHECK(*again == *value);
  CHECK(print(*again) == printed);
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace fuzz
