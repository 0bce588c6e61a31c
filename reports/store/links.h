// Links: which findings have one cause. One whose smallest input holds that of another leads to it.
// Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace pipewrench {

// Links of findings, by their ids: (from, to) and how often it was seen.
using Links = std::map<std::pair<std::string, std::string>, std::uint64_t>;
// Where they lead in the end, of each that leads anywhere else: the way that was seen most often,
// then the smaller id.
std::map<std::string, std::string> ends_of(const Links& links);

}  // namespace pipewrench
