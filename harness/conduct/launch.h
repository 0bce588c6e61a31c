// What runs inside the stage: a loop that takes requests from the worker and starts peers. After the filter is
// installed every call here is raw and exempt from it, or not in the table.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/conduct/stage.h"

namespace pipewrench {

struct StageStart {
  int control = -1;
  pid_t worker = 0;
  std::vector<sock_filter> filter;
  std::array<std::array<int, 3>, kMaxPeers> files{};
  bool namespaces = true;
  std::string sandbox;
};
[[noreturn]] void run_stage(StageStart start);

// The request that starts a peer. The reply is its PID as the peers see it, or -errno of execve.
std::string encode_launch(const Peer& peer, std::size_t slot, const std::string& program,
                          const std::string& directory, const Limits& limits);
// -1: the other side has died.
int receive_descriptor(int socket);

}  // namespace pipewrench
