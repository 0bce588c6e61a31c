// SPDX-License-Identifier: MIT
#include "targets/model/frame.h"

namespace model {
namespace {

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
    value = value * 256 + static_cast<unsigned char>(*byte);
  return value;
}

}  // namespace

Frames parse(std::string_view stream, std::size_t max_payload) {
  using End = Frames::End;
  constexpr std::string_view kMagic = "PWF\n";
  Frames result;
  while (!stream.empty()) {
    if (!stream.starts_with(kMagic.substr(0, stream.size())))
      return result.end = End::corrupt, result;
    if (stream.size() < kFrameHeader) return result.end = End::truncated, result;
    if (number(stream.substr(4, 4)) != 1) return result.end = End::corrupt, result;
    const std::size_t length = number(stream.substr(16, 4));
    if (length > max_payload) return result.end = End::too_big, result;
    if (length > stream.size() - kFrameHeader) return result.end = End::truncated, result;
    const std::string_view payload = stream.substr(kFrameHeader, length);
    const std::uint32_t checksum = ~crc32c(payload, crc32c(stream.substr(0, 20)));
    if (number(stream.substr(20, 4)) != checksum) return result.end = End::corrupt, result;
    if (result.frames.empty()) result.frames.reserve(8);
    result.frames.push_back({static_cast<std::int64_t>(number(stream.substr(8, 8))), payload});
    stream.remove_prefix(kFrameHeader + length);
  }
  return result;
}

}  // namespace model
