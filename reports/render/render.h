// Renderers: from records to text. The table of the forms. Pure: no file, no clock, no environment.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "reports/store/records.h"

namespace pipewrench {

struct RenderOptions {
  std::string finding{};  // id, or its beginning: only this one; empty: all
};

struct RenderedFile {
  std::string name{};  // of a form with many files; safe as the name of a file
  std::string text{};
};
// Or one line: why there is nothing to show.
using Rendered = std::expected<std::vector<RenderedFile>, std::string>;

struct Renderer {
  const char* name;
  Rendered (*render)(const Records&, const RenderOptions&);
  const char* what;
  bool is_many;  // files for a directory
};
std::span<const Renderer> renderers();

// The findings that the options ask for.
std::expected<std::vector<const FindingRecord*>, std::string> chosen(const Records& records,
                                                                     const RenderOptions& options);

// How many go by each heading, worst first: "new" and "regressed" are those that count.
std::vector<std::pair<std::string, std::size_t>> counted(
    const std::vector<const FindingRecord*>& findings);
// SARIF's: error, warning, note. What never repeats is a note.
const char* level_of(const FindingRecord& finding);

}  // namespace pipewrench
