// What must hold in a trace that comes from outside, so that its readers may use its indices
// unasked. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/scenario/trace.h"

namespace pipewrench {

// "" or what is wrong: a task, object or step that there is not, an enumerator out of range. A
// task's peer is checked only where there are outputs, of which there is one for each peer.
std::string trace_problem(const Trace& trace);

}  // namespace pipewrench
