// Story: what a finding tells people, on the terminal and in its README. Pure text, printable.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/finding/finding.h"
#include "harness/finding/ladder.h"

namespace pipewrench {

// Title, sentence, smallest plan, ladder, how to see it again. `replay` is a command line.
std::string story(const Finding& finding, const Scenario& scenario, const std::string& replay,
                  const LadderStyle& style = {});

// "hang: client msgrcv queue 0x2 (1 deviation, realism linux)".
std::string title(const Finding& finding);

std::string realism_name(Realism realism);

}  // namespace pipewrench
