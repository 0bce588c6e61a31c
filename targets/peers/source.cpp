// SPDX-License-Identifier: MIT
#include "targets/peers/source.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>

#include "targets/ipc/io.h"
#include "targets/peers/options.h"

namespace peers {
namespace {

constexpr std::size_t kMostRead = std::size_t{64} << 10;

}  // namespace

ipc::Result<bool> Lines::fill() {
  if (is_ended_) return false;
  std::array<char, kMostRead> bytes;
  const auto count = ipc::read_some(STDIN_FILENO, bytes, ipc::Deadline::now());
  if (!count && count.error().kind == ipc::Kind::would_block) return false;
  // EIO: the terminal has gone, or we are in the background without a shell (read(2)).
  if (!count && count.error().number != EIO) return ipc::Failure(count.error());
  if (!count || *count == 0) {
    is_ended_ = true;
    return true;  // what was held is the last line now
  }
  held_.erase(0, at_);
  at_ = 0;
  held_.append(bytes.data(), *count);
  return true;
}

std::optional<Piece> Lines::next() {
  const std::string_view rest = std::string_view(held_).substr(at_);
  const std::size_t newline = rest.substr(0, kMostPiece + 1).find('\n');
  Piece piece;
  if (newline != rest.npos) {
    piece = {.text = std::string(rest.substr(0, newline)), .ends_line = true};
    at_ += newline + 1;
  } else if (rest.size() > kMostPiece) {
    piece = {.text = std::string(rest.substr(0, kMostPiece)), .ends_line = false};
    at_ += kMostPiece;
  } else if (is_ended_ && (!rest.empty() || is_inside_line_)) {
    piece = {.text = std::string(rest), .ends_line = true};
    at_ = held_.size();
  } else {
    return std::nullopt;
  }
  is_inside_line_ = !piece.ends_line;
  return piece;
}

TypedLines::TypedLines(Printer& printer) : printer_(printer), is_terminal_(is_terminal(0)) {}

std::optional<std::string> TypedLines::line() {
  while (auto piece = lines_.next()) {
    if (line_.size() + piece->text.size() > kMostText) is_too_long_ = true;
    if (!is_too_long_) line_ += piece->text;
    if (piece->ends_line) return std::exchange(line_, {});
  }
  return std::nullopt;
}

std::optional<long> TypedLines::mtype(const std::string& typed) {
  const auto number = whole_number(typed, 1, LONG_MAX);
  if (number) return *number;
  note("an mtype is a whole number from 1 up, not '" + escaped(typed.substr(0, 40)) +
       "': " + (is_terminal_ ? "type it again" : "the text is not sent"));
  return std::nullopt;
}

std::optional<Piece> TypedLines::next() {
  while (auto line = this->line()) {
    if (!text_) {
      text_ = std::move(line);
      if (is_terminal_) printer_.say("input snd_msgtype:");
      continue;
    }
    const auto to = mtype(*line);
    if (!to && is_terminal_) continue;
    const std::string text = *std::exchange(text_, std::nullopt);
    if (std::exchange(is_too_long_, false))
      note("the text is longer than " + std::to_string(kMostText) + " bytes: not sent");
    else if (to)
      return Piece{.text = text, .ends_line = true, .to = *to};
  }
  if (lines_.is_over() && text_) {
    note("a text without an mtype is not sent");
    text_.reset();
  }
  return std::nullopt;
}

bool TypedLines::is_over() const { return lines_.is_over() && !text_; }

ipc::Result<bool> NoLines::fill() {
  if (!is_watching_) return false;
  const auto came = lines_.fill();
  while (lines_.next()) continue;
  return came;
}

ipc::Result<bool> Ticks::fill() {
  if (is_terminal(0)) {
    if (const auto came = terminal_.fill(); !came) return came;
    if (terminal_.is_over()) stop();
  }
  return false;
}

std::optional<Piece> Ticks::next() {
  const bool is_inside_line = at_ > 0;
  if (left_ == 0 || (!is_inside_line && !due_.expired())) return std::nullopt;
  Piece piece{.text = text_.substr(at_, Lines::kMostPiece)};
  at_ += piece.text.size();
  piece.ends_line = at_ == text_.size();
  if (!piece.ends_line) return piece;
  at_ = 0;
  if (left_ != kForever) --left_;
  due_ = interval_ms_ == 0 ? ipc::Deadline::now()
                           : ipc::Deadline::after(std::chrono::milliseconds(interval_ms_));
  return piece;
}

}  // namespace peers
