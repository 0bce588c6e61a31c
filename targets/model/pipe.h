// The obvious in-memory twin of a Linux pipe (pipe(7), and pipe_write() of the kernel). Makes no
// system call and never sleeps: where the kernel would, it answers EAGAIN, as with O_NONBLOCK.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "targets/model/outcome.h"

namespace model {

// Capacity counts pages, not bytes: a write first fills up the last page if what it has beyond
// whole pages fits there, and takes a new page for each begun 4096 bytes of the rest. Space read
// from a page's front is not used again.
class Pipe {
 public:
  static constexpr std::size_t kPage = 4096;  // also PIPE_BUF
  static constexpr std::size_t kPages = 16;   // of a new pipe

  explicit Pipe(std::size_t pages = kPages) : limit_(pages) {}

  // EPIPE means SIGPIPE as well. A count below bytes.size(): only that much fitted.
  Outcome write(std::string_view bytes);
  // Appends to *out; 0 at the end of the stream.
  Outcome read(std::size_t size, std::string* out);
  // As read(), for who needs the count only.
  Outcome drop(std::size_t size) { return read(size, nullptr); }
  // F_SETPIPE_SZ of a privileged process: the new capacity in bytes, or EBUSY.
  Outcome resize(std::size_t bytes);

  void add_reader() { ++readers_; }
  void add_writer() { ++writers_; }
  void remove_reader() { --readers_; }
  void remove_writer() { --writers_; }

  // What poll(2) reports of the two ends when asked for POLLIN and POLLOUT.
  short poll_reader() const;
  short poll_writer() const;
  std::size_t bytes() const;  // FIONREAD
  std::size_t capacity() const { return limit_ * kPage; }

 private:
  struct Page {
    std::string text;       // all that was written into it
    std::size_t taken = 0;  // read from its front
  };

  bool is_full() const { return pages_.size() >= limit_; }

  std::deque<Page> pages_;
  std::size_t limit_;
  int readers_ = 1;
  int writers_ = 1;
};

}  // namespace model
