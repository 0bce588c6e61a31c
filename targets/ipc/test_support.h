// For tests: a child that lives until told and can be left a zombie, a directory that goes with its
// test, a watch that says when another thread has come so far. Must not be used by the library.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "targets/ipc/fd.h"

namespace ipc {

// Waits for a byte; `body` runs in it first. Not for an end of input: later children hold copies of
// the pipe.
class Child {
 public:
  explicit Child(void (*body)() = [] {}) {
    EXPECT_EQ(::pipe(ends_), 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    body();
    char byte;
    (void)!::read(ends_[0], &byte, 1);
    ::_exit(0);
  }
  ~Child() {
    end();
    reap();
    ::close(ends_[0]);
  }
  void end() {
    if (ends_[1] < 0) return;
    (void)!::write(ends_[1], "x", 1);
    ::close(std::exchange(ends_[1], -1));
  }
  // Ended, not yet reaped: a zombie.
  void end_unreaped() {
    end();
    siginfo_t info{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT), 0);
  }
  void reap() {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  pid_t pid() const { return pid_; }

 private:
  int ends_[2] = {-1, -1};
  pid_t pid_ = -1;
};

class TempDir {
 public:
  TempDir() {
    std::string path = (std::filesystem::temp_directory_path() / "ipc_test.XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const char* name) const { return path_ + "/" + name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

// Sees what others do to a file: made before they start, waited for instead of a sleep.
class FileEvents {
 public:
  FileEvents(const std::string& path, unsigned mask) : fd_(::inotify_init1(IN_CLOEXEC)) {
    EXPECT_GE(::inotify_add_watch(fd_.get(), path.c_str(), mask), 0);
  }
  void wait() {
    alignas(inotify_event) std::array<char, 4096> bytes;
    EXPECT_GT(::read(fd_.get(), bytes.data(), bytes.size()), 0);
  }

 private:
  Fd fd_;
};

}  // namespace ipc
