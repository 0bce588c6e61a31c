// Worker: a forked process that answers requests, one run at a time. The caller must have one
// thread. Must not know why a run is wanted.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

#include "harness/core/fd.h"
#include "harness/explore/runner.h"

namespace pipewrench {

class Worker {
 public:
  // cpu: where it is pinned to; -1: nowhere. The worker's first frame is a greeting: "" or why it
  // cannot work.
  static std::expected<Worker, std::string> fork(const Recipe& recipe, int cpu);
  Worker(Worker&& other) noexcept = default;
  Worker& operator=(Worker&& other) noexcept;
  ~Worker() { end(); }

  int socket() const { return socket_.get(); }
  int cpu() const { return cpu_; }
  // Lets it finish its run and clean up; kills it if that takes too long.
  void end();
  // Kills it and says how it died: "killed by signal 9".
  std::string bury();

 private:
  Worker(Fd socket, pid_t pid, int cpu) : socket_(std::move(socket)), pid_(pid), cpu_(cpu) {}

  Fd socket_;
  pid_t pid_ = -1;
  int cpu_ = -1;
};

// Messages travel as their length in four bytes and themselves.
std::string frame_of(std::string_view message);
// Takes the first whole frame out of `bytes`; false: there is none yet. A frame that is too long is
// cut to "".
bool take_frame(std::string& bytes, std::string& message);

inline constexpr int kEndLimit_ms = 20'000;

}  // namespace pipewrench
