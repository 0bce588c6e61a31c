// Schema: what brings a database from each version to the next; the texts are schema/N.sql.
// SPDX-License-Identifier: MIT
#pragma once

#include <span>

namespace pipewrench {

// [0] makes version 1 out of nothing. A step that was released is never changed: add one.
extern const std::span<const char* const> kSchema;

}  // namespace pipewrench
