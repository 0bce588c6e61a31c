// SPDX-License-Identifier: MIT
#include "targets/peers/session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <utility>

#include "targets/ipc/io.h"

namespace peers {
namespace {

ipc::Result<> open_standard_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // Gives the lowest free number (open(2)), which is fd. Not CLOEXEC: children have it too.
    if (::open("/dev/null", O_RDWR) < 0) return ipc::fail("open", {}, "/dev/null");
  }
  return {};
}

bool is_device(int fd, unsigned major_number, unsigned minor_number) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
         status.st_rdev == makedev(major_number, minor_number);
}

}  // namespace

ipc::Result<Session> Session::start() {
  if (const auto opened = open_standard_streams(); !opened) return ipc::Failure(opened.error());
  // An ignored signal is dropped even while blocked, and "ignored" is inherited (execve(2)).
  // SIGUSR1 is ours to use. SIGINT stays as it is: who starts us in the background ignores it.
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  if (::sigaction(SIGUSR1, &standard, nullptr) != 0) return ipc::fail("sigaction");
  auto signals = ipc::BlockedSignals::block({SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE});
  if (!signals) return ipc::Failure(signals.error());
  signals->keep_blocked();
  return Session(std::move(*signals));
}

ipc::Result<std::optional<ipc::Signal>> Session::next_signal() {
  while (true) {
    const auto signal = signals_.wait(ipc::Deadline::now());
    if (!signal && signal.error().kind == ipc::Kind::would_block) return std::nullopt;
    if (!signal) return ipc::Failure(signal.error());
    if (signal->number != SIGPIPE) return *signal;
  }
}

void Printer::print(std::string_view text, bool ends_line) {
  if (!is_inside_line_) held_ += label_;
  held_ += escaped(text);
  is_inside_line_ = !ends_line;
  if (ends_line) held_ += '\n';
}

void Printer::say(std::string_view text) {
  if (is_inside_line_) held_ += '\n';
  is_inside_line_ = false;
  held_ += text;
  held_ += '\n';
}

ipc::Result<bool> Printer::pump() {
  std::size_t written = 0;
  if (is_broken_) held_.clear();
  while (written < held_.size()) {
    const auto count = ipc::write_some(STDOUT_FILENO, std::string_view(held_).substr(written),
                                       ipc::Deadline::now());
    if (!count && count.error().kind == ipc::Kind::would_block) break;
    if (!count) {
      is_broken_ = true;
      held_.clear();
      return ipc::Failure(count.error());
    }
    written += *count;
  }
  held_.erase(0, written);
  return written > 0;
}

void note(std::string_view text) {
  const std::string line = "peer: " + std::string(text) + "\n";
  // Nowhere is left to say that standard error is closed. SIGPIPE is blocked, see Session.
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

std::string escaped(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      result += c;
    } else if (c == '\t') {
      result += "\\t";
    } else if (c == '\r') {
      result += "\\r";
    } else if (c == '\n') {
      result += "\\n";
    } else {
      result += "\\x";
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    }
  }
  return result;
}

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool is_null_device(int fd) { return is_device(fd, 1, 3); }  // null(4)

}  // namespace peers
