// A Unix socket's name for the kernel. Internal to targets/ipc.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "targets/ipc/error.h"
#include "targets/ipc/socket.h"

namespace ipc {

struct SocketAddress {
  sockaddr_un name{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&name); }
};

// bad_argument: empty, longer than kMaxSocketPath, or with a NUL inside (that would be another
// name).
Result<SocketAddress> path_address(const std::string& path);
// A name without a file, in the network namespace's abstract table; gone with its socket (unix(7)).
SocketAddress abstract_address(const std::string& name);

constexpr int type_of(SocketKind kind) {
  return kind == SocketKind::stream ? SOCK_STREAM : SOCK_SEQPACKET;
}

}  // namespace ipc
