// SPDX-License-Identifier: MIT
#include "harness/explore/message.h"

#include <gtest/gtest.h>

#include <string>

namespace pipewrench {
namespace {

Answer some_answer() {
  Answer answer;
  answer.verdicts = {{.severity = Severity::note,
                      .kind = "leak",
                      .signature = std::string("a\0b", 3),
                      .peers = {"writer", "reader"},
                      .step = 7,
                      .explanation = "it leaks"}};
  answer.made = {{.kind = Deviate::shorten, .task = "a", .n = 3, .call = "write", .amount = 9}};
  answer.behaviour = 42;
  answer.ending = Ending::at_rest;
  answer.trace = std::string(1'000, '\xff');
  return answer;
}

TEST(Message, RequestsComeBack) {
  const Request request{.chooser = Chooser::pct,
                        .plan = {{.task = "a", .n = 2, .other = "b"}},
                        .seed = 5,
                        .depth = 3,
                        .length = 60,
                        .realism = Realism::posix,
                        .want_trace = true};
  const auto back = decode_request(encode(request));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, request);
}

TEST(Message, AnswersComeBack) {
  const Answer answer = some_answer();
  const auto back = decode_answer(encode(answer));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->made, answer.made);
  EXPECT_EQ(back->trace, answer.trace);
  EXPECT_EQ(back->behaviour, answer.behaviour);
  EXPECT_EQ(back->ending, answer.ending);
  ASSERT_EQ(back->verdicts.size(), 1U);
  EXPECT_EQ(back->verdicts[0].severity, Severity::note);
  EXPECT_EQ(back->verdicts[0].signature, answer.verdicts[0].signature);
  EXPECT_EQ(back->verdicts[0].peers, answer.verdicts[0].peers);
}

TEST(Message, DamageIsNoticed) {
  const std::string bytes = encode(some_answer());
  for (std::size_t size = 0; size < 200; ++size)
    EXPECT_FALSE(decode_answer(bytes.substr(0, size)).has_value());
  EXPECT_FALSE(decode_answer(bytes + "x").has_value());
  EXPECT_FALSE(decode_request(std::string(100, '\xff')).has_value());
}

}  // namespace
}  // namespace pipewrench
