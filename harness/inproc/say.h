// Whether the replay was asked to print what an input does (replay_NAME -v). Never on while
// fuzzing.
// SPDX-License-Identifier: MIT
#pragma once

namespace pipewrench {

bool says();
void set_says(bool says);

}  // namespace pipewrench
