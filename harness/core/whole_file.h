// Files that appear whole or not at all: written under a name that tells of their writer, then
// renamed. What a writer that has died left half done is known by that name, and removed.
// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace pipewrench {

inline constexpr std::string_view kHalfDone = ".new-";  // and the writer's PID

// In `folder`; `what` tells several of one writer apart.
inline std::string half_done_path(const std::string& folder, const std::string& what) {
  return folder + "/" + std::string(kHalfDone) + std::to_string(::getpid()) + "-" + what;
}

inline void remove_half_done(const std::string& folder) {
  std::error_code ignored;
  std::vector<std::filesystem::path> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename();
    pid_t writer = 0;
    if (!name.starts_with(kHalfDone)) continue;
    std::from_chars(name.data() + kHalfDone.size(), name.data() + name.size(), writer);
    if (writer > 0 && ::kill(writer, 0) != 0 && errno == ESRCH) left.push_back(entry.path());
  }
  for (const auto& path : left) std::filesystem::remove_all(path, ignored);
}

// All of it, over partial transfers and EINTR. False: errno says why.
inline bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

}  // namespace pipewrench
