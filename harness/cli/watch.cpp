// SPDX-License-Identifier: MIT
#include "harness/cli/watch.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>

namespace pipewrench {
namespace {

constexpr std::chrono::milliseconds kPanelEvery(250);
constexpr std::chrono::seconds kLineEvery(5);
constexpr unsigned kDefaultColumns = 80;

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

unsigned columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = interrupts();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool Interrupts::came() {
  signalfd_siginfo info{};
  if (came_ || ::read(signals_.get(), &info, sizeof(info)) != sizeof(info)) return came_;
  came_ = true;
  const sigset_t set = interrupts();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  return true;
}

Watch::Watch(const Arguments& arguments, Interrupts& interrupts, Found found)
    : arguments_(arguments), interrupts_(interrupts), found_(std::move(found)) {
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  style_ = arguments.json ? Style::silent : is_terminal ? Style::panel : Style::lines;
}

double Watch::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

bool Watch::go_on(const Progress& progress) {
  return goes_on_until(progress, std::chrono::milliseconds(arguments_.budget_ms));
}

bool Watch::may_shrink(const Progress& progress) {
  constexpr std::uint64_t kPart = 10;
  return goes_on_until(
      progress, std::chrono::milliseconds(arguments_.budget_ms + arguments_.budget_ms / kPart));
}

bool Watch::goes_on_until(const Progress& progress, std::chrono::milliseconds budget) {
  const auto now = Clock::now();
  const bool is_due = style_ == Style::panel ? now - shown_ >= kPanelEvery
                                             : style_ == Style::lines && now - shown_ >= kLineEvery;
  if (is_due) {
    shown_ = now;
    show(progress);
  }
  if (interrupts_.came()) return false;
  if (arguments_.budget_ms == 0) return true;
  return now - start_ < budget;
}

void Watch::found(const Finding& finding) {
  clear();
  found_(finding);
}

void Watch::show(const Progress& progress) {
  const double elapsed_s = seconds();
  std::string line = fmt::format(
      "{:.0f} s  {} runs, {:.0f}/s  {} findings, {} notes, {} times again  {} behaviours, the last "
      "new one {} runs ago",
      elapsed_s, progress.runs, static_cast<double>(progress.runs) / elapsed_s, progress.findings,
      progress.notes, progress.known, progress.behaviours, progress.runs - progress.last_new_run);
  if (style_ == Style::lines) {
    fmt::print("{}\n", line);
  } else {
    line.resize(std::min<std::size_t>(line.size(), columns() - 1));
    fmt::print("\r\033[K{}", line);
    drawn_ = true;
  }
  std::fflush(stdout);
}

void Watch::clear() {
  if (!drawn_) return;
  fmt::print("\r\033[K");
  std::fflush(stdout);
  drawn_ = false;
}

}  // namespace pipewrench
