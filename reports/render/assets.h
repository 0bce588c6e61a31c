// The page's files, built in: assets/README.md says what each is.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

namespace pipewrench {

struct Asset {
  const char* text;
  const char* sha256;  // 64 hex digits, of the text
  bool for_charts;     // only where there is one
};

extern const std::string_view kPage;
extern const std::span<const Asset> kStyles, kScripts;

}  // namespace pipewrench
