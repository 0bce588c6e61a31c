// What every peer has from its first moment on: signals as input, open standard streams, and a
// printer that never blocks. Must not wait: the one wait of a peer is in chat.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "targets/ipc/error.h"
#include "targets/ipc/signal.h"

namespace peers {

class Session {
 public:
  // Opens /dev/null for standard streams that are closed, or an object of ours would get their
  // numbers; blocks SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGPIPE for good.
  static ipc::Result<Session> start();

  // A pending signal, SIGPIPE left out. Works in a forked child too: it reads that one's own
  // (signalfd(2)).
  ipc::Result<std::optional<ipc::Signal>> next_signal();
  int fd() const { return signals_.fd(); }

 private:
  explicit Session(ipc::BlockedSignals signals) : signals_(std::move(signals)) {}

  ipc::BlockedSignals signals_;
};

// Standard output, line by line, without ever sleeping in write(2): what does not fit is kept.
class Printer {
 public:
  static constexpr std::size_t kMostHeld = std::size_t{1} << 20;

  explicit Printer(std::string label = {}) : label_(std::move(label)) {}

  // A part of a received line: control bytes are escaped. The label opens each line.
  void print(std::string_view text, bool ends_line);
  // A line of our own.
  void say(std::string_view text);
  // Writes what standard output takes now; true if it took something. peer_gone: nobody reads it
  // any more, told once: then what is printed is dropped.
  ipc::Result<bool> pump();
  bool is_empty() const { return held_.empty(); }
  bool is_full() const { return held_.size() >= kMostHeld; }

 private:
  std::string label_;
  std::string held_;
  bool is_inside_line_ = false;
  bool is_broken_ = false;
};

// One line on standard error: "peer: TEXT".
void note(std::string_view text);

// Control bytes as \n, \t, \x1b ...; all else as it is.
std::string escaped(std::string_view text);

bool is_terminal(int fd);
// /dev/null: a peer started in the background, whose input says nothing by being at its end.
bool is_null_device(int fd);

}  // namespace peers
