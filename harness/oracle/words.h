// How oracles speak of tasks, calls and objects: to people by name, in signatures by role, so that
// the same cause gives the same text whatever was counted. Everything returned is printable.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/trace.h"

namespace pipewrench {

// "demo1/2" -> "demo1/child", "server:3" -> "server:thread", "writer.2" and "writer~2" -> "writer".
std::string role_of(std::string_view task);
std::string role_of(const Trace& trace, std::uint32_t task);
std::string name_of(const Trace& trace, std::uint32_t task);

// "pipe#3" -> "pipe", "fifo ./reply.217" -> "fifo ./reply.N", and see temporary.h; of a key that
// looks like ftok(3)'s only the part that is the same on every machine: "queue 0x61010a5f" ->
// "queue 0x61". "" for kNoObject.
std::string object_role(std::string_view name);
std::string object_role(const Trace& trace, std::uint32_t object);
// "fifo ./room"; "" for kNoObject.
std::string object_name(const Trace& trace, std::uint32_t object);

const char* call_name(const Step& step);
// "write(fifo ./room)", "pause()".
std::string said(const Trace& trace, const Step& step);
std::string said_role(const Trace& trace, const Step& step);
// "writer#12".
std::string numbered(const Trace& trace, const Step& step);
// "EPIPE" of a failed call, "end of file" of one that returned 0, else the number.
std::string outcome(const Step& step);
// How a task comes to its end, the tear-down left out: "exits with 3", "dies of SIGPIPE", "waits in
// read(pipe#1)", "goes on".
std::string fate(const Trace& trace, std::uint32_t task);
// What was not under control, each once: "reader/child sleeps in flock".
std::vector<std::string> unmanaged_of(const Trace& trace);

// {"a", "b", "c"} -> "a, b and c".
std::string listed(const std::vector<std::string>& names);

}  // namespace pipewrench
