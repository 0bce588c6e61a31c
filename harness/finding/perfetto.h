// A run for ui.perfetto.dev or chrome://tracing: one lane a task, calls as slices in the order of
// steps, arrows from what was sent to who received it.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/scenario/trace.h"

namespace pipewrench {

// Chrome's trace event format, JSON. Time on the axis is the number of the step, a microsecond
// each.
std::string perfetto(const Trace& trace);

}  // namespace pipewrench
