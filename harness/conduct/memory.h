// A peer's memory, read and written from outside (process_vm_readv(2)). Addresses are the peer's.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pipewrench {

// Bytes moved, which may be fewer than asked where a page is missing; 0 if the first one is.
std::size_t read_memory(pid_t pid, std::uint64_t address, void* to, std::size_t size_bytes);
std::size_t write_memory(pid_t pid, std::uint64_t address, const void* from,
                         std::size_t size_bytes);

template <class T>
std::optional<T> read_value(pid_t pid, std::uint64_t address) {
  T value{};
  if (read_memory(pid, address, &value, sizeof value) != sizeof value) return {};
  return value;
}
template <class T>
bool write_value(pid_t pid, std::uint64_t address, const T& value) {
  return write_memory(pid, address, &value, sizeof value) == sizeof value;
}
// A string up to its zero, at most PATH_MAX bytes; nothing where memory ends first.
std::optional<std::string> read_string(pid_t pid, std::uint64_t address);

}  // namespace pipewrench
