// A file descriptor with one owner: move-only, closed exactly once. Must not do I/O: see pipe,
// fifo, socket.
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace ipc {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  int release() { return std::exchange(number_, -1); }
  // Never retried: Linux has released the descriptor even when close() says EINTR (close(2)).
  void close();

 private:
  int number_ = -1;
};

}  // namespace ipc
