// What runs inside the stage: a loop that takes requests from the worker and starts peers. After
// the filter is installed every call here is raw and exempt from it, or not in the table.
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/conduct/stage.h"

namespace pipewrench {

struct StageStart {
  int control = -1;
  pid_t worker = 0;
  std::vector<sock_filter> filter;
  bool namespaces = true;
  std::vector<Place> places;
};
[[noreturn]] void run_stage(StageStart start);

// The request that starts a peer. The reply is its PID as the peers see it, or -errno of execve.
std::string encode_launch(const Peer& peer, const std::string& program,
                          const std::string& directory, const Limits& limits);
// Sends a text with up to kMostDescriptors descriptors, SCM_RIGHTS (unix(7)). False: the other side
// has died.
inline constexpr std::size_t kMostDescriptors = 3;
bool send_with_descriptors(int socket, const std::string& text, std::span<const int> descriptors);
// -1: the other side has died.
int receive_descriptor(int socket);

}  // namespace pipewrench
