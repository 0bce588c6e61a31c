// SPDX-License-Identifier: MIT
#include "targets/ipc/frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <climits>
#include <string>
#include <vector>

#include "targets/ipc/crc32c.h"

namespace ipc {
namespace {

constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kPaddingAt = 6;
constexpr std::size_t kLengthAt = 16;

std::string frame_of(long type, std::string payload) {
  return encode({.type = type, .payload = std::move(payload)}).value();
}

struct Outcome {
  std::vector<Message> messages;
  Result<> end;
};

// Feeds the chunks one after the other, as a reader of a descriptor does.
Outcome decode(const std::vector<std::string>& chunks, std::size_t limit = kMaxPayload) {
  FrameDecoder decoder(limit);
  Outcome outcome;
  for (const std::string& chunk : chunks) {
    // A copy of exactly the chunk's size: AddressSanitizer sees a read past its end.
    const std::vector<char> exact(chunk.begin(), chunk.end());
    std::string_view rest(exact.data(), exact.size());
    do {
      Result<std::optional<Message>> message = decoder.next(rest);
      if (!message) return outcome.end = std::unexpected(message.error()), outcome;
      if (message->has_value()) outcome.messages.push_back(std::move(**message));
    } while (!rest.empty());
  }
  outcome.end = decoder.finish();
  return outcome;
}

Kind kind_after(std::string bytes, std::size_t limit = kMaxPayload) {
  const Outcome outcome = decode({std::move(bytes)}, limit);
  EXPECT_FALSE(outcome.end.has_value());
  return outcome.end ? Kind::system : outcome.end.error().kind;
}

TEST(Crc32c, gives_the_check_value_of_the_standard) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283u);
}

TEST(Encode, writes_the_documented_layout) {
  const std::string frame = frame_of(0x0102030405060708, "hi");
  ASSERT_EQ(frame.size(), kFrameHeader + 2);
  EXPECT_EQ(frame.substr(0, 16),
            std::string("PWF\n\x01\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01", 16));
  EXPECT_EQ(frame.substr(kLengthAt, 4), std::string("\x02\0\0\0", 4));
  EXPECT_EQ(frame.substr(kFrameHeader), "hi");
}

TEST(Encode, refuses_more_than_the_limit) {
  const Message big{.type = 1, .payload = std::string(11, 'x')};
  EXPECT_TRUE(encode(big, 11).has_value());
  const Result<std::string> refused = encode(big, 10);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().describe(), "encode(length=11, limit=10) [too_big]");
  const Message huge{.type = 1, .payload = std::string(kMaxPayload + 1, 'x')};
  EXPECT_FALSE(encode(huge, huge.payload.size()).has_value()) << "no caller can raise kMaxPayload";
}

TEST(FrameDecoder, returns_what_was_encoded) {
  const std::vector<Message> sent = {
      {LONG_MIN, ""}, {-1, std::string(3, '\0')}, {LONG_MAX, "text"}};
  std::string stream;
  for (const Message& message : sent) stream += encode(message).value();
  const Outcome outcome = decode({stream});
  EXPECT_TRUE(outcome.end.has_value());
  EXPECT_EQ(outcome.messages, sent);
}

TEST(FrameDecoder, takes_the_largest_payload) {
  const std::string payload(kMaxPayload, 'z');
  EXPECT_EQ(decode({frame_of(1, payload)}).messages.at(0).payload, payload);
}

TEST(FrameDecoder, an_empty_stream_is_good) {
  EXPECT_TRUE(decode({}).end.has_value());
  EXPECT_TRUE(decode({"", ""}).end.has_value());
}

TEST(FrameDecoder, calls_every_cut_stream_truncated) {
  const std::string frame = frame_of(7, "payload");
  for (std::size_t size = 1; size < frame.size(); ++size)
    EXPECT_EQ(kind_after(frame.substr(0, size)), Kind::truncated) << size;
}

TEST(FrameDecoder, calls_every_changed_byte_corrupt_or_too_big) {
  const std::string frame = frame_of(7, "payload");
  for (std::size_t at = 0; at < frame.size(); ++at) {
    std::string changed = frame;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    // A longer length within the limit cannot be told from a frame that is not complete.
    const Kind expected = at == kLengthAt || at == kLengthAt + 1 ? Kind::truncated
                          : at > kLengthAt && at < kLengthAt + 4 ? Kind::too_big
                                                                 : Kind::corrupt;
    EXPECT_EQ(kind_after(changed, 65536), expected) << at;
  }
}

TEST(FrameDecoder, refuses_a_foreign_stream_at_its_first_bytes) {
  EXPECT_EQ(kind_after("hello"), Kind::corrupt);
  EXPECT_EQ(kind_after("PWf"), Kind::corrupt);
  EXPECT_EQ(kind_after(std::string(1, '\0')), Kind::corrupt);
}

TEST(FrameDecoder, refuses_another_version_and_a_used_padding) {
  std::string frame = frame_of(1, "");
  frame[kVersionAt] = 2;
  EXPECT_EQ(decode({frame}).end.error().subject, "version");
  frame[kVersionAt] = 1;
  frame[kPaddingAt + 1] = 1;
  EXPECT_EQ(decode({frame}).end.error().subject, "padding");
}

TEST(FrameDecoder, refuses_a_length_above_its_own_limit) {
  EXPECT_EQ(decode({frame_of(1, "12345")}, 5).messages.size(), 1u);
  const Outcome outcome = decode({frame_of(1, "123456")}, 5);
  EXPECT_EQ(outcome.end.error().describe(), "decode(length=6, limit=5): length [too_big]");
  EXPECT_TRUE(outcome.messages.empty());
}

TEST(FrameDecoder, never_resynchronises_after_corrupt) {
  FrameDecoder decoder;
  std::string_view bad = "PWX";
  EXPECT_EQ(decoder.next(bad).error().kind, Kind::corrupt);
  const std::string good = frame_of(1, "good");
  std::string_view rest = good;
  EXPECT_EQ(decoder.next(rest).error().kind, Kind::corrupt);
  EXPECT_EQ(rest.size(), good.size()) << "and reads nothing more";
  EXPECT_EQ(decoder.finish().error().kind, Kind::corrupt);
}

TEST(FrameDecoder, stops_after_one_message) {
  const std::string first = frame_of(1, "a");
  const std::string both = first + frame_of(2, "b");
  FrameDecoder decoder;
  std::string_view rest = both;
  EXPECT_EQ(decoder.next(rest).value()->type, 1);
  EXPECT_EQ(rest.size(), both.size() - first.size());
  EXPECT_EQ(decoder.next(rest).value()->type, 2);
  EXPECT_TRUE(rest.empty());
}

TEST(FrameDecoder, counts_what_it_holds) {
  const std::string frame = frame_of(1, "abcd");
  FrameDecoder decoder;
  EXPECT_EQ(decoder.held(), 0u);
  std::string_view begin(frame.data(), kFrameHeader + 1);
  EXPECT_FALSE(decoder.next(begin).value().has_value());
  EXPECT_EQ(decoder.held(), kFrameHeader + 1);
  std::string_view rest = std::string_view(frame).substr(kFrameHeader + 1);
  EXPECT_TRUE(decoder.next(rest).value().has_value());
  EXPECT_EQ(decoder.held(), 0u);
}

std::vector<std::string> cut(const std::string& stream, const std::vector<std::size_t>& sizes) {
  std::vector<std::string> chunks;
  std::size_t at = 0;
  for (const std::size_t size : sizes) {
    chunks.push_back(stream.substr(at, size % 64));
    at += chunks.back().size();
  }
  chunks.push_back(stream.substr(at));
  return chunks;
}

RC_GTEST_PROP(FrameDecoder, any_cut_gives_the_same_messages,
              (const std::vector<std::pair<long, std::string>>& sent,
               const std::vector<std::size_t>& sizes)) {
  std::string stream;
  for (const auto& [type, payload] : sent) stream += frame_of(type, payload);
  const Outcome outcome = decode(cut(stream, sizes));
  RC_ASSERT(outcome.end.has_value());
  RC_ASSERT(outcome.messages.size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i)
    RC_ASSERT(outcome.messages[i] == (Message{sent[i].first, sent[i].second}));
}

RC_GTEST_PROP(FrameDecoder, any_cut_of_a_damaged_stream_gives_the_same_end,
              (const std::string& payload, const std::vector<std::size_t>& sizes, std::size_t at,
               char change)) {
  std::string stream = frame_of(1, payload) + frame_of(2, payload);
  stream[at % stream.size()] ^= change;
  const Outcome whole = decode({stream}, 4096);
  const Outcome parts = decode(cut(stream, sizes), 4096);
  RC_ASSERT(whole.messages == parts.messages);
  RC_ASSERT(whole.end.has_value() == parts.end.has_value());
  if (!whole.end) RC_ASSERT(whole.end.error().kind == parts.end.error().kind);
}

}  // namespace
}  // namespace ipc
