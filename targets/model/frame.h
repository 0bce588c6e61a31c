// The obvious twin of ipc's frames: a whole stream parsed at once, from the layout written in
// targets/ipc/frame.h. Shares no code with it. The inline part needs no library: mutators use it to
// write valid frames.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model {

constexpr std::size_t kFrameHeader = 24;

// CRC-32C, one byte at a time.
inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t state = 0xffffffff) {
  static constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      table[byte] = byte;
      for (int bit = 0; bit < 8; ++bit)
        table[byte] = table[byte] / 2 ^ (table[byte] % 2 != 0 ? 0x82f63b78 : 0);
    }
    return table;
  }();
  for (const char byte : bytes)
    state = state / 256 ^ kTable[(state ^ static_cast<unsigned char>(byte)) % 256];
  return state;
}

// `size` little-endian bytes of value.
inline std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (; size > 0; --size, value /= 256) bytes += static_cast<char>(value % 256);
  return bytes;
}

inline std::string frame(long type, std::string_view payload) {
  std::string bytes("PWF\n\1\0\0\0", 8);
  bytes += little_endian(static_cast<std::uint64_t>(type), 8) + little_endian(payload.size(), 4);
  const std::uint32_t checksum = ~crc32c(payload, crc32c(bytes));
  return (bytes += little_endian(checksum, 4)) += payload;
}

struct Frames {
  enum class End { clean, truncated, corrupt, too_big };
  struct Frame {
    std::int64_t type;
    std::string_view payload;  // part of the stream
  };
  std::vector<Frame> frames;
  End end = End::clean;
};

Frames parse(std::string_view stream, std::size_t max_payload);

}  // namespace model
