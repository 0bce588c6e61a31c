// Traces: any text as JSON lines, any bytes as a packed trace; what is a trace survives both forms,
// and its packed bytes, cut or with one byte changed, do no harm.
// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_bytes.h"
#include "harness/scenario/trace_diff.h"
#include "harness/scenario/trace_json.h"
#include "targets/fuzz/round_trip.h"

namespace {

using pipewrench::Trace;

void pack_and_unpack(const Trace& trace, std::size_t where) {
  std::string bytes = pipewrench::pack(trace);
  const auto again = pipewrench::unpack(bytes);
  CHECK(again.has_value());
  CHECK(*again == trace);
  CHECK(pipewrench::trace_hash(*again) == pipewrench::trace_hash(trace));
  CHECK(pipewrench::first_difference(*again, trace).empty());
  CHECK(!pipewrench::unpack({bytes.data(), where % bytes.size()}));
  bytes[where % bytes.size()] ^= 1;
  if (const auto other = pipewrench::unpack(bytes))
    CHECK(!pipewrench::first_difference(*other, trace).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::round_trip(text, pipewrench::parse_trace, pipewrench::to_json_lines);
  if (const auto trace = pipewrench::parse_trace(text, "input")) pack_and_unpack(*trace, size);
  if (const auto trace = pipewrench::unpack(text)) CHECK(pipewrench::pack(*trace) == text);
  return 0;
}
