// The checksum of frames. A file of its own: the build leaves its loops out of what guides a
// fuzzer.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace ipc {

// CRC-32C (Castagnoli) of `bytes`, or of bytes that come after those that gave `before`.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace ipc
