// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "harness/scenario/test_values.h"

namespace pipewrench {
namespace {

Trace example() {
  Trace trace;
  trace.tasks = {{.name = "writer"}, {.name = "reader"}};
  trace.steps = {{.call = Call::write, .task = 0, .n = 1, .result = 5}, {.task = 1, .n = 1}};
  trace.waiting = {{.task = 1, .step = 1, .holders = {0, 1}}};
  return trace;
}

RC_GTEST_PROP(trace_bytes, unpack_of_pack_is_the_trace, ()) {
  const Trace trace = test::any_trace();
  const auto again = unpack(pack(trace));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == trace);
  RC_ASSERT(trace_hash(*again) == trace_hash(trace));
}

TEST(trace_bytes, cut_bytes_are_refused) {
  const std::string bytes = pack(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of exactly this size: AddressSanitizer sees a read past its end.
    const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<long>(size));
    EXPECT_FALSE(unpack({exact.data(), exact.size()})) << size;
  }
  EXPECT_FALSE(unpack(bytes + '\0'));
}

TEST(trace_bytes, spoilt_bytes_are_refused_or_a_trace) {
  const std::string bytes = pack(example());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string spoilt = bytes;
    spoilt[i] = '\xff';
    if (const auto trace = unpack(spoilt)) EXPECT_EQ(pack(*trace), spoilt) << i;
  }
}

TEST(trace_bytes, indices_are_checked) {
  const auto problem = [](auto change) {
    Trace trace = example();
    change(trace);
    const auto again = unpack(pack(trace));
    return again ? "" : again.error().text();
  };
  EXPECT_EQ(problem([](Trace&) {}), "");
  EXPECT_EQ(problem([](Trace& trace) { trace.steps[0].task = 2; }), "trace: steps: task: 2 of 2");
  EXPECT_EQ(problem([](Trace& trace) { trace.steps[0].object = 0; }),
            "trace: steps: object: 0 of 0");
  EXPECT_EQ(problem([](Trace& trace) { trace.steps[0].event = Event{99}; }),
            "trace: steps: event: 99 of 11");
  EXPECT_EQ(problem([](Trace& trace) { trace.waiting[0].holders[0] = 7; }),
            "trace: waiting: holders: 7 of 2");
  EXPECT_EQ(problem([](Trace& trace) { trace.outputs.resize(1), trace.tasks[1].peer = 1; }),
            "trace: tasks: peer: 1 of 1");
}

TEST(trace_hash, leaves_out_only_the_order_of_holders) {
  const std::uint64_t hash = trace_hash(example());
  Trace trace = example();
  std::swap(trace.waiting[0].holders[0], trace.waiting[0].holders[1]);
  EXPECT_EQ(trace_hash(trace), hash);
  trace.waiting[0].holders[0] = 0;
  EXPECT_NE(trace_hash(trace), hash);
  trace = example();
  trace.steps[1].time_ns = 1;
  EXPECT_NE(trace_hash(trace), hash);
}

// What moves between fields is another trace.
TEST(trace_hash, tells_neighbouring_fields_apart) {
  Trace a = example();
  Trace b = example();
  a.outputs = {{.out = "ab", .err = ""}};
  b.outputs = {{.out = "a", .err = "b"}};
  EXPECT_NE(trace_hash(a), trace_hash(b));
}

}  // namespace
}  // namespace pipewrench
