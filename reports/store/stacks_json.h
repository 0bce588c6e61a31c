// Stacks as JSON, the form of a column: README.md describes it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "reports/store/records.h"

namespace pipewrench {

std::string to_json(const std::vector<Stack>& stacks);
std::string to_json(const std::vector<std::string>& names);
// What is malformed gives fewer stacks, never an error: only this program writes the column.
std::vector<Stack> stacks_of(const std::string& json);
std::vector<std::string> names_of(const std::string& json);

}  // namespace pipewrench
