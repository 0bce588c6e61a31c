// A Message as a frame of bytes, and the way back: for transports that keep no message boundaries.
// Must not do I/O: see frame_io.h. Layout, little-endian, 24 bytes before the payload:
//   0 magic "PWF\n" | 4 version u16 = 1 | 6 zero u16 | 8 type i64 | 16 length u32 |
//   20 CRC-32C of bytes 0..19 and the payload
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "targets/ipc/error.h"
#include "targets/ipc/message.h"

namespace ipc {

constexpr std::size_t kFrameHeader = 24;
// No frame carries more payload, whatever limit a caller asks for.
constexpr std::size_t kMaxPayload = std::size_t{1} << 20;

// The frame of a message. too_big: more payload than max_payload or kMaxPayload.
Result<std::string> encode(const Message& message, std::size_t max_payload = kMaxPayload);

// Turns a stream of bytes, cut anywhere, into messages. Holds at most one frame, of at most
// max_payload bytes; that much memory is taken only once the first byte of such a payload is there.
class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t max_payload = kMaxPayload);

  // Eats `input` from its front up to the end of one message and returns it; nothing when all is
  // eaten and the message goes on. corrupt, too_big: the stream cannot be read on, and every later
  // call says the same.
  Result<std::optional<Message>> next(std::string_view& input);
  // At the end of the stream. truncated: it ended inside a frame; corrupt, too_big: as next() said.
  Result<> finish() const;

  // Bytes held of a frame that is not complete: 0 between frames.
  std::size_t held() const { return header_size_ + payload_.size(); }

 private:
  enum class Verdict : std::uint8_t {
    good,
    bad_magic,
    bad_version,
    bad_padding,
    bad_checksum,
    too_big
  };

  void fill_header(std::string_view& input);
  Verdict judge_header();
  Failure failure() const;
  std::optional<Message> take();

  std::size_t max_payload_;
  std::array<char, kFrameHeader> header_{};
  std::size_t header_size_ = 0;  // bytes of header_ that are there
  std::size_t length_ = 0;       // payload bytes that the header announces
  std::string payload_;
  Verdict verdict_ = Verdict::good;
};

}  // namespace ipc
