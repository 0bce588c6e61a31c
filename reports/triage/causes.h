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

// What another input lacks that may show the cause: some piece of the whole; or only its last
// operation, which noticed, so that whoever notices now sees what the others left.
enum class Left : std::uint8_t { some_of_it, who_noticed };

// The operation that failed is the last one of the smallest input.
bool is_noticed_by_last(const Crash& crash);

// Whether what a part shows may be the cause of what the whole shows. Of a comparison, a check or
// an exception the stack says who noticed; any other crash says itself where it comes from, and a
// loop where it is. The same operation has to notice, the same program to show it: without a piece
// that another needs, that one may well fail, of a bug of its own.
bool may_be_cause(const Crash& of_part, const Crash& of_whole, Left left = Left::some_of_it);
bool may_be_cause(const Symptom& of_part, const Symptom& of_whole);

}  // namespace pipewrench
