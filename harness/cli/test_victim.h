// The program under a test that wants to see it die: started with a mark that all its descendants
// inherit, in a directory of its own. What is left of it is looked for by that mark.
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "harness/core/fd.h"

#ifndef PIPEWRENCH
#define PIPEWRENCH "pipewrench"  // the build says where it is
#endif

namespace pipewrench {

inline constexpr int kEndLimit_poll_ms = 30'000;

inline std::string content_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::vector<pid_t> children_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream stream("/proc/" + id + "/task/" + id + "/children");
  return {std::istream_iterator<pid_t>(stream), {}};
}

// Every process whose environment holds the text.
inline std::vector<pid_t> marked(const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || *end != 0 || pid == ::getpid()) continue;
    if (content_of(entry.path().string() + "/environ").find(mark) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

// Those that do not end by themselves.
inline std::vector<pid_t> left_of(const std::string& mark) {
  std::vector<pid_t> left;
  for (const pid_t pid : marked(mark)) {
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd ended{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (process && ::poll(&ended, 1, kEndLimit_poll_ms) == 0) left.push_back(pid);
  }
  return left;
}

class Victim {
 public:
  Victim(const std::string& directory, const std::string& mark,
         const std::vector<std::string>& arguments) {
    int out[2] = {-1, -1};
    if (::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      std::vector<std::string> words = {PIPEWRENCH};
      words.insert(words.end(), arguments.begin(), arguments.end());
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      ::setenv("PIPEWRENCH_TEST_MARK", mark.c_str(), 1);
      ::setenv("TMPDIR", directory.c_str(), 1);
      ::dup2(out[1], STDOUT_FILENO);
      ::dup2(out[1], STDERR_FILENO);
      if (::chdir(directory.c_str()) == 0) ::execv(PIPEWRENCH, argv.data());
      ::_exit(126);
    }
    ::close(out[1]);
    out_ = Fd(out[0]);
  }
  ~Victim() {
    if (status_ < 0) kill();
  }

  pid_t pid() const { return pid_; }
  const std::string& text() const { return text_; }
  // One look at what it says; false: it has ended.
  bool look(int wait_ms) {
    pollfd readable{.fd = out_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, wait_ms) <= 0) return true;
    char chunk[4096];
    const ssize_t got = ::read(out_.get(), chunk, sizeof(chunk));
    if (got > 0) text_.append(chunk, static_cast<std::size_t>(got));
    return got > 0;
  }
  // The exit status; -signal if one killed it.
  int end() {
    while (look(-1)) continue;
    ::waitpid(pid_, &status_, 0);
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
  }
  int kill() {
    ::kill(pid_, SIGKILL);
    return end();
  }

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  Fd out_;
  std::string text_;
};

}  // namespace pipewrench
