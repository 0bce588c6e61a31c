// For tests: the directory where peers meet, and what they leave there and in the kernel.
// Waits for states (a file), never for time.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "targets/ipc/fd.h"

namespace peers {

// The directory where the sides meet.
class Meeting {
 public:
  Meeting() {
    std::string path = (std::filesystem::temp_directory_path() / "peer_test.XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~Meeting() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      result.push_back(entry.path().filename());
    return result;
  }
  // Until a peer has made that file.
  void wait_for(const std::string& name) const {
    const ipc::Fd events(::inotify_init1(IN_CLOEXEC));
    ASSERT_GE(::inotify_add_watch(events.get(), path_.c_str(), IN_CREATE), 0);
    char bytes[4096];
    while (!std::filesystem::exists(path_ + "/" + name))
      ASSERT_GT(::read(events.get(), bytes, sizeof bytes), 0);
  }

 private:
  std::string path_;
};

// Of this IPC namespace.
inline std::size_t count_sysv_objects() {
  std::size_t lines = 0;
  for (const char* name : {"msg", "shm", "sem"}) {
    std::ifstream file(std::string("/proc/sysvipc/") + name);
    std::string line;
    for (std::getline(file, line); std::getline(file, line);) ++lines;
  }
  return lines;
}

}  // namespace peers
