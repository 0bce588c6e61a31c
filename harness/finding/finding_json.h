// A finding as one JSON object on one line: for --json and for finding.json.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/finding/finding.h"

namespace pipewrench {

// {"id","kind","signature","peers","plan":[...],"realism","explanation","step",
// "replay"}, and "note", "unstable", "runs" where they say something. `replay` is a command line.
std::string to_json(const Finding& finding, const std::string& replay);

}  // namespace pipewrench
