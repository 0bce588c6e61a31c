// The obvious twin of one direction of a connected socket: the messages on the way, in order, and
// how it may end. Makes no system call. How many bytes the kernel buffers is its own affair: the
// twin knows only what must come.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <string>

namespace model {

struct Channel {
  enum class Next { message, junk, nothing, end, cut };

  struct Item {
    long type;
    std::string payload;
    std::size_t fds;
    bool is_junk;
  };

  std::deque<Item> items{};
  bool has_unsent = false;    // the last item is only partly on the wire
  bool is_cut = false;        // ... and its rest never comes
  bool is_ended = false;      // the sender said the end, or closed
  bool is_abandoned = false;  // the receiver closed
  bool is_broken = false;     // a stream in which junk was met

  // What the receiver must see now.
  Next next() const {
    if (is_broken) return Next::junk;
    const std::size_t complete = items.size() - (has_unsent || is_cut ? 1 : 0);
    if (complete > 0) return items.front().is_junk ? Next::junk : Next::message;
    if (!is_ended) return Next::nothing;
    return has_unsent || is_cut ? Next::cut : Next::end;
  }
  // True where a send must fail: nobody is there, or the sender has said the end.
  bool refuses() const { return is_ended || is_abandoned; }
};

}  // namespace model
