// Frames: one line of a stack trace, as sanitizers and gdb print it. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "reports/store/records.h"

namespace pipewrench {

// "#0 0x55d in f(int) /a/b.cpp:3:4", "#1 0x7f in g (/lib/libc.so.6+0x1)", "#2  main () at a.c:7".
// `ours` says what the frame alone can tell.
std::optional<StackFrame> frame_of(std::string_view line);
// Its number, "#12": a stack begins at #0.
std::optional<unsigned> frame_number_of(std::string_view line);

// The same for every build of a function: without arguments, return type, namespaces without a name
// and what compilers append (.isra.0); template arguments become "...", each lambda "lambda".
std::string plain_function(std::string_view function);

}  // namespace pipewrench
