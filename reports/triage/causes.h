// Causes: whether what a proper part of the smallest input, or plan, shows may be the cause of what
// the whole shows. What triggers the one then lies within what triggers the other. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "reports/triage/signature.h"
#include "reports/triage/symptoms.h"

namespace pipewrench {

// How bad what shows is, as far as links go: nothing may be hidden behind what is milder.
enum class Harm : std::uint8_t { leftover, wrong_result, never_ends, dies };
Harm harm_of(const Crash& crash);
Harm harm_of(const Symptom& symptom);

// Whether what a part shows may be the cause of what the whole shows. Of a comparison, a check or
// an exception the stack says who noticed; any other crash says itself where it comes from, and a
// loop where it is. The same operation has to notice, the same program to show it: without a piece
// that another needs, that one may well fail, of a bug of its own.
bool may_be_cause(const Crash& of_part, const Crash& of_whole);
bool may_be_cause(const Symptom& of_part, const Symptom& of_whole);

}  // namespace pipewrench
