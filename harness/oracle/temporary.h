// Names that mkstemp(3), mktemp(1) and the like made up: another seed, another name, the same
// thing. Pure; a guess by their look, good enough for signatures and for nothing else.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace pipewrench {

// "/tmp/log.aB3xZq" -> "/tmp/log.XXXXXX", in each part of a path. What may be a word stays: of the
// six letters that mkstemp chooses one in twenty looks like one.
std::string without_random(std::string_view path);

}  // namespace pipewrench
