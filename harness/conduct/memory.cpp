// SPDX-License-Identifier: MIT
#include "harness/conduct/memory.h"

#include <sys/uio.h>

#include <climits>
#include <cstring>

namespace pipewrench {

std::size_t read_memory(pid_t pid, std::uint64_t address, void* to, std::size_t size_bytes) {
  const iovec local{to, size_bytes};
  const iovec remote{reinterpret_cast<void*>(address), size_bytes};
  const ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

std::size_t write_memory(pid_t pid, std::uint64_t address, const void* from,
                         std::size_t size_bytes) {
  const iovec local{const_cast<void*>(from), size_bytes};
  const iovec remote{reinterpret_cast<void*>(address), size_bytes};
  const ssize_t put = process_vm_writev(pid, &local, 1, &remote, 1, 0);
  return put < 0 ? 0 : static_cast<std::size_t>(put);
}

std::optional<std::string> read_string(pid_t pid, std::uint64_t address) {
  // A read may not cross into a missing page: up to the end of each page in turn.
  constexpr std::size_t kPage = 4096;
  std::string text;
  while (text.size() < PATH_MAX) {
    char buffer[256];
    const std::size_t to_page_end = kPage - address % kPage;
    const std::size_t want = to_page_end < sizeof buffer ? to_page_end : sizeof buffer;
    const std::size_t got = read_memory(pid, address, buffer, want);
    if (got == 0) return {};
    const std::size_t length = strnlen(buffer, got);
    text.append(buffer, length);
    if (length < got) return text;
    address += got;
  }
  return text;
}

}  // namespace pipewrench
