// The target that does nothing: what the engine alone costs.
// SPDX-License-Identifier: MIT
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }
