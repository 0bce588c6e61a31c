// The one function that a MUTATOR source of pipewrench_fuzz_target() defines; both engines call it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace pipewrench {

// Changes data[0, size) in place, at most to max_size bytes, and returns the new size. The same
// arguments give the same bytes. `bytewise` is the engine's own mutation, for parts without
// structure: (data, size, max) -> size.
using Bytewise = std::size_t (*)(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                   Bytewise bytewise);

}  // namespace pipewrench
