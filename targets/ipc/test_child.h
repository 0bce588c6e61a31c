// For tests: a child process that lives until told, and can be left a zombie. Must not be used by
// the library. SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ipc {

// Waits for the end of the pipe's input; `body` runs in it first.
class Child {
 public:
  explicit Child(void (*body)() = [] {}) {
    EXPECT_EQ(::pipe(ends_), 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::close(ends_[1]);
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
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
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

}  // namespace ipc
