// For tests: real `peer` processes with pipes for their standard streams.
// Waits for states (a line, an end), never for time.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "targets/ipc/fd.h"
#include "targets/peers/test_meeting.h"

namespace peers {

extern const char* const peer_path;  // of the executable under test; defined in peer_test.cpp

class PeerProcess {
 public:
  // SIGINT and SIGTERM start blocked, so that they may be sent at any moment.
  PeerProcess(const Meeting& meeting, std::vector<std::string> words) {
    int in[2], out[2], err[2];
    EXPECT_EQ(::pipe2(in, O_CLOEXEC) | ::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
    words.insert(words.begin(), peer_path);
    if (!meeting.path().empty()) words.push_back("dir=" + meeting.path());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    sigset_t ending, before;  // blocked before fork(2): the child has no moment without
    ::sigemptyset(&ending);
    ::sigaddset(&ending, SIGINT);
    ::sigaddset(&ending, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &ending, &before);
    pid_ = ::fork();
    if (pid_ == 0) {
      const int given[] = {in[0], out[1], err[1]};
      for (int fd = 0; fd < 3; ++fd) ::dup2(given[fd], fd);
      ::execv(peer_path, arguments.data());
      ::_exit(127);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    in_ = ipc::Fd(in[1]);
    out_ = ipc::Fd(out[0]);
    err_ = ipc::Fd(err[0]);
    for (const int fd : {in[0], out[1], err[1]}) ::close(fd);
  }
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;
  ~PeerProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void type(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(in_.get(), text.data() + at, text.size() - at);
      ASSERT_GT(count, 0);
      at += static_cast<std::size_t>(count);
    }
  }
  void end_input() { in_.close(); }
  void close_output() { out_.close(); }
  void signal(int number) const { ::kill(pid_, number); }
  pid_t pid() const { return pid_; }

  // The next line that it prints, without the newline; "(end)" if none comes.
  std::string line() {
    std::size_t end;
    while ((end = printed_.find('\n')) == printed_.npos) {
      if (!read_more(out_, printed_)) return "(end)";
    }
    const std::string result = printed_.substr(0, end);
    printed_.erase(0, end + 1);
    return result;
  }
  std::string all_lines() {
    while (out_ && read_more(out_, printed_)) continue;
    return std::exchange(printed_, {});
  }
  // What it says on standard error until it has ended.
  std::string complaints() {
    std::string text;
    while (read_more(err_, text)) continue;
    return text;
  }
  // Exit status, or 128 + the signal that killed it.
  int end() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  static bool read_more(const ipc::Fd& fd, std::string& text) {
    char bytes[65536];
    const ssize_t count = ::read(fd.get(), bytes, sizeof bytes);
    if (count > 0) text.append(bytes, static_cast<std::size_t>(count));
    return count > 0;
  }

  pid_t pid_ = -1;
  ipc::Fd in_, out_, err_;
  std::string printed_;
};

}  // namespace peers
