// A trace as bytes, for the way from a worker to the main process, and its hash. The form is that
// of one build: it is not stored. trace_json.h has the form for files.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "harness/scenario/trace.h"

namespace pipewrench {

// unpack(pack(trace)) == trace.
std::string pack(const Trace& trace);
// Bad input are bytes that pack() did not make; BadInput::file is "trace".
std::expected<Trace, BadInput> unpack(std::string_view bytes);

// Equal for equal runs: of everything, but for the order of Waiting::holders, which means nothing.
std::uint64_t trace_hash(const Trace& trace);

}  // namespace pipewrench
