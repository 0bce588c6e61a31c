// Terminal: a pseudo-terminal as a peer's standard input, output and error (pty(7)). It echoes
// nothing and leaves "\n" alone, so that what is captured is what the peer wrote.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "harness/core/fd.h"

namespace pipewrench {

class Terminal {
 public:
  // Where the machine has none, is_open() is false.
  static Terminal open(const std::string& input);
  bool is_open() const { return static_cast<bool>(peer_side_); }
  int peer_side() const { return peer_side_.get(); }
  // Types what fits of the input, then end of file; appends what the peer has written to the file.
  void pump(int file);

 private:
  Fd own_side_, peer_side_;
  std::string input_;  // not typed yet
};

}  // namespace pipewrench
