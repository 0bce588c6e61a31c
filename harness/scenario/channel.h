// Channels as a scenario names them, for [expect] conserve: "pipe", "pipe#1", "fifo", "fifo room",
// "./room", "queue", "queue 0x1234". What goes over sockets is not seen. Pure.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "harness/scenario/trace.h"

namespace pipewrench {

// Message by message: queues of System V and of POSIX.
constexpr bool holds_messages(ObjectKind kind) {
  return kind == ObjectKind::queue || kind == ObjectKind::mqueue;
}

bool is_channel(std::string_view text);
// Whether an object of that name in a trace ("fifo ./room", "queue 0x1234") is the channel, or one
// of its kind.
bool is_of_channel(std::string_view object, std::string_view channel);

}  // namespace pipewrench
