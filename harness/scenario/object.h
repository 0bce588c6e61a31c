// Object: what peers meet at in a run, by name. Part of a trace; plain data.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace pipewrench {

inline constexpr std::uint32_t kNobody = UINT32_MAX;
inline constexpr std::uint32_t kNoObject = UINT32_MAX;

enum class ObjectKind : std::uint8_t {
  pipe,
  fifo,
  queue,
  segment,
  semaphore,
  socket,
  eventfd,
  signalfd,
  timerfd,
  futex,
  file,
  directory,
  tty,
  pidfd,
  mqueue
};
struct Object {
  ObjectKind kind = ObjectKind::pipe;
  std::string name{};  // "pipe#1", "fifo ./room", "queue 0x1234", "queue#2" (IPC_PRIVATE)
  std::uint32_t maker = kNobody;       // task; kNobody: the scenario's set-up
  std::uint32_t mode = 0;              // permission bits that it was made with, after the umask
  std::uint32_t made = 0;              // step
  std::uint32_t removed = UINT32_MAX;  // step of IPC_RMID or unlink; UINT32_MAX: never
  bool operator==(const Object&) const = default;
};

}  // namespace pipewrench
