// SPDX-License-Identifier: MIT
#include "harness/conduct/terminal.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace pipewrench {
namespace {

constexpr char kEndOfFile = '\x04';  // VEOF, at the beginning of a line (termios(3))

}  // namespace

Terminal Terminal::open(const std::string& input) {
  Terminal terminal;
  Fd own(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  char path[64];
  if (!own || grantpt(own.get()) != 0 || unlockpt(own.get()) != 0 ||
      ptsname_r(own.get(), path, sizeof path) != 0)
    return terminal;
  Fd peer(::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios modes{};
  if (!peer || tcgetattr(peer.get(), &modes) != 0) return terminal;
  modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  modes.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  if (tcsetattr(peer.get(), TCSANOW, &modes) != 0) return terminal;
  terminal.own_side_ = std::move(own);
  terminal.peer_side_ = std::move(peer);
  terminal.input_ = input;
  // In the middle of a line the first one only ends the line.
  if (!input.empty() && input.back() != '\n') terminal.input_ += kEndOfFile;
  terminal.input_ += kEndOfFile;
  return terminal;
}

void Terminal::pump(int file) {
  if (!is_open()) return;
  if (!input_.empty()) {
    const ssize_t typed = write(own_side_.get(), input_.data(), input_.size());
    if (typed > 0) input_.erase(0, static_cast<std::size_t>(typed));
  }
  char buffer[4096];
  while (true) {
    const ssize_t got = read(own_side_.get(), buffer, sizeof buffer);
    if (got <= 0) return;
    if (write(file, buffer, static_cast<std::size_t>(got)) != got) return;
  }
}

}  // namespace pipewrench
