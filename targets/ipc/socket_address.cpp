// SPDX-License-Identifier: MIT
#include "targets/ipc/socket_address.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace ipc {

static_assert(sizeof(sockaddr_un::sun_path) == kMaxSocketPath + 1);

Result<SocketAddress> path_address(const std::string& path) {
  if (path.empty() || path.size() > kMaxSocketPath || path.find('\0') != std::string::npos)
    return fail(Kind::bad_argument, 0, "socket path",
                {{{"length", static_cast<long>(path.size())}, {"limit", long{kMaxSocketPath}}}},
                path);
  SocketAddress address;
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, path.data(), path.size());
  address.size = sizeof address.name;
  return address;
}

SocketAddress abstract_address(const std::string& name) {
  SocketAddress address;
  address.name.sun_family = AF_UNIX;
  const std::size_t length = std::min(name.size(), kMaxSocketPath);
  std::memcpy(address.name.sun_path + 1, name.data(), length);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  return address;
}

}  // namespace ipc
