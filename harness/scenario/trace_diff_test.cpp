// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_diff.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "harness/scenario/test_values.h"

namespace pipewrench {
namespace {

Trace example() {
  Trace trace;
  trace.tasks = {{.name = "reader"}};
  trace.steps = {{.event = Event::born, .task = 0},
                 {.call = Call::read, .task = 0, .n = 1, .result = 5, .data = "hello"}};
  trace.outputs = {{.out = std::string(50, 'a') + "b"}};
  return trace;
}

std::string difference(auto change) {
  Trace other = example();
  change(other);
  return first_difference(example(), other);
}

TEST(trace_diff, names_the_first_step_and_its_first_field) {
  EXPECT_EQ(difference([](Trace&) {}), "");
  EXPECT_EQ(difference([](Trace& other) { other.steps[1].result = 3; }),
            "step 1, reader#1 read: result 5, then 3");
  EXPECT_EQ(difference([](Trace& other) { other.steps[0].event = Event::exec; }),
            "step 0, reader born: event born, then exec");
  EXPECT_EQ(difference([](Trace& other) {
              other.steps[0].event = Event::unmanaged;
              other.steps[0].detail = "asleep";
            }),
            "step 0, reader born: event born, then unmanaged (asleep)");
  EXPECT_EQ(difference([](Trace& other) { other.steps.pop_back(); }),
            "step 1, reader#1 read: in the first run only");
  EXPECT_EQ(difference([](Trace& other) { other.steps.push_back({.event = Event::died}); }),
            "step 2, nobody died: in the second run only");
}

TEST(trace_diff, then_what_is_no_step) {
  EXPECT_EQ(difference([](Trace& other) { other.tasks[0].status = 9; }),
            "task 0, reader: status 0, then 9");
  EXPECT_EQ(difference([](Trace& other) { other.outputs[0].out.back() = '\n'; }),
            "output of peer 0: out ...aaaaaaaaaab\", then ...aaaaaaaaaa\\n\"");
  EXPECT_EQ(difference([](Trace& other) { other.ending = Ending::at_rest; }),
            "the end: exited, then at_rest");
  EXPECT_EQ(difference([](Trace& other) { other.unmanaged = 2; }),
            "the end: exited, then exited, unmanaged 2");
}

RC_GTEST_PROP(trace_diff, is_one_printable_line_and_empty_only_for_equal_traces, ()) {
  const Trace one = test::any_trace();
  const Trace other = *rc::gen::arbitrary<bool>() ? one : test::any_trace();
  const std::string line = first_difference(one, other);
  RC_ASSERT(line.empty() == (one == other));
  RC_ASSERT(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; }));
}

}  // namespace
}  // namespace pipewrench
