// Mutates streams of frames as frames: most results are valid up to one place. Without it every
// change breaks a checksum and nothing behind the first frame is ever reached. Works in place: it
// runs once an input. The first byte, which chooses chunks and limit, stays in front.
// SPDX-License-Identifier: MIT
#include "harness/inproc/mutator.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <random>
#include <string_view>

#include "targets/model/frame.h"

namespace pipewrench {
namespace {

using Random = std::minstd_rand;
using model::kFrameHeader;

constexpr std::size_t kMostFrames = 8;
constexpr std::size_t kLongestText = 48;
constexpr std::size_t kLongestInput =
    136;  // five frames: longer ones cost time and show nothing new
constexpr std::size_t kTypeAt = 8;
constexpr std::size_t kLengthAt = 16;
constexpr std::size_t kChecksumAt = 20;
constexpr std::string_view kMagic = "PWF\n";
constexpr std::array<long, 6> kTypes = {0, 1, -1, LONG_MIN, LONG_MAX, 255};

// A stretch of the input: one frame, or junk.
struct Part {
  std::size_t begin;
  std::size_t size;
};

class Stream {
 public:
  Stream(std::uint8_t* data, std::size_t size, std::size_t max_size)
      : data_(reinterpret_cast<char*>(data)), size_(size), max_size_(max_size) {
    for (std::size_t begin = 1; begin < size && parts_ < kMostFrames; ++parts_) {
      const std::size_t next = std::min(view().find(kMagic, begin + 1), size);
      found_[parts_] = {begin, next - begin};
      begin = next;
    }
  }

  std::size_t size() const { return size_; }
  std::size_t parts() const { return parts_; }
  Part part(std::size_t index) const { return found_[index]; }
  char* at(std::size_t offset) { return data_ + offset; }

  // Makes the stretch `size` bytes long; false where there is no room. What follows moves.
  bool resize(const Part& part, std::size_t size) {
    if (size_ - part.size + size > max_size_) return false;
    const std::size_t end = part.begin + part.size;
    std::memmove(data_ + part.begin + size, data_ + end, size_ - end);
    size_ = size_ - part.size + size;
    return true;
  }

  // Writes what a right frame has around this payload, for parts of at least a header.
  void repair(const Part& part) {
    char* frame = data_ + part.begin;
    std::memcpy(frame, "PWF\n\1\0\0\0", kTypeAt);
    store(frame + kLengthAt, part.size - kFrameHeader);
    const std::string_view payload(frame + kFrameHeader, part.size - kFrameHeader);
    store(frame + kChecksumAt, ~model::crc32c(payload, model::crc32c({frame, kChecksumAt})));
  }

 private:
  std::string_view view() const { return {data_, size_}; }
  static void store(char* at, std::size_t value) {
    for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8 * i));
  }

  char* data_;
  std::size_t size_;
  std::size_t max_size_;
  std::array<Part, kMostFrames> found_{};
  std::size_t parts_ = 0;
};

void append_frame(Stream& stream, Random& random) {
  const Part fresh{stream.size(), kFrameHeader + random() % kLongestText};
  if (!stream.resize({fresh.begin, 0}, fresh.size)) return;
  std::memset(stream.at(fresh.begin), 'p', fresh.size);
  const long type = kTypes[random() % kTypes.size()];
  std::memcpy(stream.at(fresh.begin + kTypeAt), &type, sizeof type);
  stream.repair(fresh);
}

void repeat(Stream& stream, const Part& part) {
  if (!stream.resize({part.begin, 0}, part.size)) return;
  std::memcpy(stream.at(part.begin), stream.at(part.begin + part.size), part.size);
}

void change_payload(Stream& stream, Part part, Random& random, Bytewise bytewise) {
  std::array<std::uint8_t, 2 * kLongestText> text{};
  const std::size_t old = std::min(part.size - kFrameHeader, text.size());
  std::memcpy(text.data(), stream.at(part.begin + kFrameHeader), old);
  const std::size_t most = random() % 4 == 0 ? text.size() : std::min(old + 4, text.size());
  const std::size_t size = bytewise(text.data(), old, most);
  if (!stream.resize(part, kFrameHeader + size)) return;
  std::memcpy(stream.at(part.begin + kFrameHeader), text.data(), size);
  part.size = kFrameHeader + size;
  stream.repair(part);
}

void change(Stream& stream, Random& random, Bytewise bytewise) {
  if (stream.parts() == 0) return append_frame(stream, random);
  const Part part = stream.part(random() % stream.parts());
  const std::size_t somewhere = part.begin + random() % part.size;
  if (part.size < kFrameHeader) {  // junk, or a frame that was cut: made whole, or dropped
    if (random() % 2 == 0) return void(stream.resize(part, 0));
    if (stream.resize(part, kFrameHeader)) stream.repair({part.begin, kFrameHeader});
    return;
  }
  switch (random() % 10) {
    case 0:
      return append_frame(stream, random);
    case 1:
      return repeat(stream, part);
    case 2:
      return void(stream.resize(part, 0));
    case 3:
      return void(stream.resize({somewhere, part.begin + part.size - somewhere}, 0));
    case 4:  // a header, or a payload, that lies
      *stream.at(random() % 2 == 0 ? somewhere : part.begin + random() % kFrameHeader) ^=
          static_cast<char>(1u << random() % 8);
      return;
    case 5: {
      const long type = kTypes[random() % kTypes.size()];
      std::memcpy(stream.at(part.begin + kTypeAt), &type, sizeof type);
      return stream.repair(part);
    }
    case 6:
      return stream.repair(part);
    default:
      return change_payload(stream, part, random, bytewise);
  }
}

}  // namespace

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                   Bytewise bytewise) {
  Random random(seed);
  max_size = std::min(max_size, std::max(size, kLongestInput));
  if (size == 0 || random() % 16 == 0) return bytewise(data, size, max_size);
  if (random() % 8 == 0) data[0] = static_cast<std::uint8_t>(random());
  for (std::size_t changes = 1 + random() % 2; changes > 0; --changes) {
    Stream stream(data, size, max_size);
    change(stream, random, bytewise);
    size = stream.size();
  }
  return size;
}

}  // namespace pipewrench
