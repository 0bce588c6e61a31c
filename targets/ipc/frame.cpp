// SPDX-License-Identifier: MIT
#include "targets/ipc/frame.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <utility>

#include "targets/ipc/crc32c.h"

namespace ipc {
namespace {

constexpr std::string_view kMagic = "PWF\n";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kPaddingAt = 6;
constexpr std::size_t kTypeAt = 8;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kChecksumAt = 20;

// Byte by byte, so that the wire is little-endian on every machine; compilers make one load or
// store of it.
template <std::unsigned_integral T>
T load(const char* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(at[i])) << (8 * i));
  return value;
}

template <std::unsigned_integral T>
void store(char* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    at[i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

std::uint32_t checksum(const char* header, std::string_view payload) {
  return crc32c(payload, crc32c({header, kChecksumAt}));
}

}  // namespace

Result<std::string> encode(const Message& message, std::size_t max_payload) {
  const std::size_t limit = std::min(max_payload, kMaxPayload);
  if (message.payload.size() > limit)
    return fail(Kind::too_big, 0, "encode",
                {{{"length", static_cast<long>(message.payload.size())},
                  {"limit", static_cast<long>(limit)}}});
  std::string frame;
  frame.reserve(kFrameHeader + message.payload.size());
  frame.resize(kFrameHeader);
  char* header = frame.data();
  std::memcpy(header, kMagic.data(), kMagic.size());
  store<std::uint16_t>(header + kVersionAt, kVersion);
  store<std::uint64_t>(header + kTypeAt, static_cast<std::uint64_t>(std::int64_t{message.type}));
  store<std::uint32_t>(header + kLengthAt, static_cast<std::uint32_t>(message.payload.size()));
  store<std::uint32_t>(header + kChecksumAt, checksum(header, message.payload));
  frame += message.payload;
  return frame;
}

FrameDecoder::FrameDecoder(std::size_t max_payload)
    : max_payload_(std::min(max_payload, kMaxPayload)) {}

Result<std::optional<Message>> FrameDecoder::next(std::string_view& input) {
  if (verdict_ != Verdict::good) return failure();
  if (header_size_ < kFrameHeader) {
    fill_header(input);
    verdict_ = judge_header();
    if (verdict_ != Verdict::good) return failure();
    if (header_size_ < kFrameHeader) return std::nullopt;
  }
  const std::size_t part = std::min(length_ - payload_.size(), input.size());
  if (part > 0 && payload_.empty()) payload_.reserve(length_);
  payload_.append(input.substr(0, part));
  input.remove_prefix(part);
  if (payload_.size() < length_) return std::nullopt;
  if (checksum(header_.data(), payload_) != load<std::uint32_t>(header_.data() + kChecksumAt)) {
    verdict_ = Verdict::bad_checksum;
    return failure();
  }
  return take();
}

void FrameDecoder::fill_header(std::string_view& input) {
  const std::size_t part = std::min(kFrameHeader - header_size_, input.size());
  if (part == 0) return;  // an empty view may have no address
  std::memcpy(header_.data() + header_size_, input.data(), part);
  header_size_ += part;
  input.remove_prefix(part);
}

// Judges what is there of the header, so that a stream of something else is refused at its first
// bytes.
FrameDecoder::Verdict FrameDecoder::judge_header() {
  const std::string_view there(header_.data(), header_size_);
  const std::size_t magic = std::min(header_size_, kMagic.size());
  if (there.substr(0, magic) != kMagic.substr(0, magic)) return Verdict::bad_magic;
  if (header_size_ < kFrameHeader) return Verdict::good;
  if (load<std::uint16_t>(header_.data() + kVersionAt) != kVersion) return Verdict::bad_version;
  if (load<std::uint16_t>(header_.data() + kPaddingAt) != 0) return Verdict::bad_padding;
  length_ = load<std::uint32_t>(header_.data() + kLengthAt);
  return length_ > max_payload_ ? Verdict::too_big : Verdict::good;
}

std::optional<Message> FrameDecoder::take() {
  Message message{
      .type = static_cast<long>(static_cast<std::int64_t>(load<std::uint64_t>(&header_[kTypeAt]))),
      .payload = std::exchange(payload_, {})};
  header_size_ = 0;
  length_ = 0;
  return message;
}

Failure FrameDecoder::failure() const {
  static_assert(sizeof(long) == sizeof(std::int64_t), "a type on the wire fits Message::type");
  constexpr const char* kReasons[] = {"good", "magic", "version", "padding", "checksum", "length"};
  const Kind kind = verdict_ == Verdict::too_big ? Kind::too_big : Kind::corrupt;
  return fail(
      kind, 0, "decode",
      {{{"length", static_cast<long>(length_)}, {"limit", static_cast<long>(max_payload_)}}},
      kReasons[static_cast<std::size_t>(verdict_)]);
}

Result<> FrameDecoder::finish() const {
  if (verdict_ != Verdict::good) return failure();
  if (held() == 0) return {};
  return fail(Kind::truncated, 0, "decode",
              {{{"held", static_cast<long>(held())}, {"payload", static_cast<long>(length_)}}});
}

}  // namespace ipc
