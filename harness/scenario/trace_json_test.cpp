// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_json.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>

#include "harness/scenario/test_values.h"

namespace pipewrench {
namespace {

Trace example() {
  Trace trace;
  trace.tasks = {{.name = "writer", .status = 256}};
  trace.objects = {{.kind = ObjectKind::fifo, .name = "fifo ./room", .maker = 0, .mode = 0600}};
  trace.steps = {{.call = Call::write,
                  .flags = kInjected | kShort,
                  .task = 0,
                  .n = 1,
                  .object = 0,
                  .result = -EPIPE,
                  .asked = 5,
                  .data = "h\xff\n\"",
                  .legal = 1u << 1 | 1u << 3,
                  .legal_errors = {EINTR}}};
  trace.outputs = {{.out = "\x1b[2J", .err = "", .cut = true}};
  trace.plan = {{.kind = Deviate::restart, .task = "writer"}};
  return trace;
}

// Written out: the form is a promise to scripts.
constexpr const char* kExample =
    R"({"pipewrench_trace":1,"tasks":[{"name":"writer","status":256}],)"
    R"("objects":[{"kind":"fifo","name":"fifo ./room","maker":0,"mode":384}]})"
    "\n"
    R"({"step":0,"who":"writer","on":"fifo ./room","task":0,"n":1,"call":"write","object":0,)"
    R"("asked":5,"result":-32,"flags":["injected","short"],"data":"h\u00ff\n\"",)"
    R"("legal":["shorten","kill"],"legal_errors":["EINTR"],"error":"EPIPE"})"
    "\n"
    R"({"waiting":[],"leftovers":[],"outputs":[{"out":"\u001b[2J","cut":true}],)"
    R"("plan":["writer restart"],"unused":[],"ending":"exited","unmanaged":0,"error":""})"
    "\n";

std::string problem(std::string text, std::string_view from = "", std::string_view to = "") {
  if (!from.empty()) text.replace(text.find(from), from.size(), to);
  const auto trace = parse_trace(text, "t.jsonl");
  return trace ? "" : trace.error().text();
}

TEST(trace_json, has_a_known_form) { EXPECT_EQ(to_json_lines(example()), kExample); }

RC_GTEST_PROP(trace_json, parse_of_print_is_the_trace, ()) {
  const Trace trace = test::any_trace();
  const std::string text = to_json_lines(trace);
  RC_ASSERT(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
  const auto again = parse_trace(text, "t");
  if (!again) RC_FAIL(again.error().text());
  RC_ASSERT(*again == trace);
}

TEST(trace_json, each_wrong_line_is_named_with_its_cause) {
  EXPECT_EQ(problem(kExample), "");
  EXPECT_EQ(problem(""), "t.jsonl: empty");
  EXPECT_EQ(problem("{}\n"),
            "t.jsonl:1: not a trace of this version: it opens with {\"pipewrench_trace\":1,");
  EXPECT_EQ(problem("\x1b\n"), "t.jsonl:1: not a JSON object: \\x1b");
  EXPECT_EQ(problem(kExample, "\"step\":0", "\"step\":1"), "t.jsonl:2: step: not the next one");
  EXPECT_EQ(problem(kExample, "\"n\":1", "\"n\":-1"), "t.jsonl:2: n: not what belongs here");
  EXPECT_EQ(problem(kExample, "\"write\"", "\"wriet\""), "t.jsonl:2: call: not what belongs here");
  EXPECT_EQ(problem(kExample, "\"short\"", "\"shrot\""), "t.jsonl:2: flags: not what belongs here");
  EXPECT_EQ(problem(kExample, "\\u00ff", "\\u0100"), "t.jsonl:2: data: not what belongs here");
  EXPECT_EQ(problem(kExample, "\"EINTR\"", "\"EINTER\""),
            "t.jsonl:2: legal_errors: not what belongs here");
  EXPECT_EQ(problem(kExample, "\"mode\":384", "\"mode\":true"),
            "t.jsonl:3: mode: not what belongs here");
  EXPECT_EQ(problem(kExample, "\"maker\":0", "\"maker\":9"), "t.jsonl:3: objects: maker: 9 of 1");
  EXPECT_EQ(problem(kExample, "writer restart", "writer jump"),
            "t.jsonl:3: plan: place \"writer\": it looks like writer#12");
  const std::string text = kExample;
  EXPECT_EQ(problem(text.substr(0, text.find("{\"waiting"))),
            "t.jsonl:2: cut: the closing line is not there");
  EXPECT_EQ(problem(text + "{}\n"), "t.jsonl:3: more after the closing line");
}

}  // namespace
}  // namespace pipewrench
