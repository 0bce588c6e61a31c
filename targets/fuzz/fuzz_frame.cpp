// The incremental frame decoder, fed in chunks, against a parser that sees the whole stream at
// once. The first byte chooses the size of the chunks and the limit, the rest is the stream. Makes
// no system call, so it needs no guard.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

#include "harness/inproc/say.h"
#include "targets/fuzz/both.h"
#include "targets/ipc/frame.h"
#include "targets/model/frame.h"

namespace {

using fuzz::same;
using ipc::Kind;
using End = model::Frames::End;

// The last: sizes that change from chunk to chunk.
constexpr std::array<std::size_t, 8> kChunks = {4096, 1, 2, 7, 23, 24, 25, 0};
// A header and some payload byte by byte; then the rest comes at once: feeding on shows nothing
// new.
constexpr std::size_t kMostChunks = 28;
constexpr std::array<std::size_t, 8> kLimits = {4096, 0, 1, 16, 64, 100, 150, ipc::kMaxPayload};

class Input {
 public:
  Input(std::uint8_t choice, std::string_view stream)
      : chunk_(kChunks[choice % kChunks.size()]),
        limit_(kLimits[choice / kChunks.size() % kLimits.size()]),
        stream_(stream),
        twin_(model::parse(stream, limit_)),
        decoder_(limit_) {}

  void run() {
    if (pipewrench::says()) say();
    std::string_view unfed = stream_;
    for (std::size_t i = 0; !unfed.empty() && !failure_; ++i) {
      const std::size_t wanted = chunk_ != 0 ? chunk_ : 1 + i * 11 % 37;
      const std::size_t size = i < kMostChunks ? std::min(wanted, unfed.size()) : unfed.size();
      if (pipewrench::says()) std::fprintf(stderr, "  chunk of %zu bytes\n", size);
      feed(unfed.substr(0, size));
      unfed.remove_prefix(size);
    }
    finish();
  }

 private:
  // What the model makes of the stream.
  void say() const {
    constexpr std::array kEnds = {"clean", "truncated", "corrupt", "too big"};
    std::fprintf(stderr, "  stream of %zu bytes, limit %zu, end: %s\n", stream_.size(), limit_,
                 kEnds[static_cast<std::size_t>(twin_.end)]);
    for (const model::Frames::Frame& frame : twin_.frames)
      std::fprintf(stderr, "  frame: type=%ld payload=%s\n", static_cast<long>(frame.type),
                   fuzz::show(frame.payload).c_str());
  }

  void feed(std::string_view chunk) {
    while (!chunk.empty() && !failure_) {
      const std::size_t before = chunk.size();
      auto message = decoder_.next(chunk);
      eaten_ += before - chunk.size();
      if (!message)
        failure_ = message.error().kind;
      else if (message->has_value())
        compare(**message);
      else
        same(step_, "left of the chunk", static_cast<long>(chunk.size()), 0L);
      if (decoder_.held() > ipc::kFrameHeader + limit_)
        fuzz::differ(step_, "held", fuzz::show(static_cast<long>(decoder_.held())), "the limit");
    }
  }

  void compare(const ipc::Message& message) {
    if (step_.index == twin_.frames.size()) fuzz::differ(step_, "message", "one more", "none");
    const model::Frames::Frame& expected = twin_.frames[step_.index++];
    same(step_, "type", message.type, static_cast<long>(expected.type));
    same(step_, "payload", std::string_view(message.payload), expected.payload);
    if (step_.index > 1) return;  // encode() has no state: once is enough
    const auto again = ipc::encode(message, limit_);
    const std::size_t size = ipc::kFrameHeader + expected.payload.size();
    const std::string_view original = stream_.substr(eaten_ - size, size);
    same(step_, "encoded again", std::string_view(again ? *again : "refused"), original);
  }

  void finish() {
    same(step_, "messages", static_cast<long>(step_.index), static_cast<long>(twin_.frames.size()));
    constexpr std::array kKinds = {Kind::system, Kind::truncated, Kind::corrupt, Kind::too_big};
    const Kind expected = kKinds[static_cast<std::size_t>(twin_.end)];
    if (!failure_) {
      const ipc::Result<> end = decoder_.finish();
      return same(step_, "end", end ? Kind::system : end.error().kind, expected);
    }
    same(step_, "end", *failure_, expected);
    std::string_view more = "PWF\n";
    const auto again = decoder_.next(more);
    same(step_, "after a failure", again ? Kind::system : again.error().kind, expected);
    same(step_, "left after a failure", static_cast<long>(more.size()), 4L);
  }

  std::size_t chunk_;
  std::size_t limit_;
  std::string_view stream_;
  model::Frames twin_;
  ipc::FrameDecoder decoder_;
  std::size_t eaten_ = 0;
  std::optional<Kind> failure_;
  fuzz::Step step_{.index = 0, .operation = "decode"};  // index: messages so far
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Input(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1}).run();
  return 0;
}
