// Options of the sanitizers' run time for replays, as environment. Data only.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>

namespace pipewrench {

// The symbolizer costs ten times the run of a small input.
inline constexpr std::array kWithoutSymbols = {
    "ASAN_OPTIONS=symbolize=0", "UBSAN_OPTIONS=symbolize=0", "LSAN_OPTIONS=symbolize=0",
    "TSAN_OPTIONS=symbolize=0", "MSAN_OPTIONS=symbolize=0"};

// And where no leak is looked for: a third of such a run. Leak detection is ASan's or LSan's own.
inline constexpr std::array kWithoutLeaks = {
    "ASAN_OPTIONS=symbolize=0:detect_leaks=0", "UBSAN_OPTIONS=symbolize=0",
    "LSAN_OPTIONS=symbolize=0:detect_leaks=0", "TSAN_OPTIONS=symbolize=0",
    "MSAN_OPTIONS=symbolize=0"};

}  // namespace pipewrench
