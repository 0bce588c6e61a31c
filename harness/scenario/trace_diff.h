// Where two runs part, in words. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/scenario/trace.h"

namespace pipewrench {

// One printable line, the earliest step first; "" for equal traces:
// `step 12, reader#4 read: result 5, then 3`
std::string first_difference(const Trace& one, const Trace& other);

}  // namespace pipewrench
