// Where the lines that a peer sends come from: typed on standard input, typed with an mtype, or the
// same text again and again. Must not block: what is not there yet is waited for in chat.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/peers/session.h"

namespace peers {

// A line, or a part of one that is too long for one message.
struct Piece {
  std::string text;
  bool ends_line = true;
  long to = 1;  // mtype, for a queue
};

class Source {
 public:
  virtual ~Source() = default;
  // What to wait for when next() has nothing: input on a descriptor (-1: none), or a moment.
  virtual int fd() const { return -1; }
  virtual ipc::Deadline due() const { return ipc::Deadline::never(); }
  // Takes what is there now, with one read(2) at most; false when that was nothing, and no end.
  virtual ipc::Result<bool> fill() = 0;
  virtual std::optional<Piece> next() = 0;
  // Nothing comes any more, and next() has given all.
  virtual bool is_over() const = 0;
  // The session ends: fill() what was typed before that, then no more.
  virtual void stop() = 0;
};

// Lines of standard input, cut into pieces; a last line needs no newline.
class Lines : public Source {
 public:
  static constexpr std::size_t kMostPiece = std::size_t{16} << 10;

  int fd() const override { return is_ended_ ? -1 : 0; }
  ipc::Result<bool> fill() override;
  std::optional<Piece> next() override;
  bool is_over() const override { return is_ended_ && at_ >= held_.size(); }
  void stop() override { is_ended_ = true; }

 private:
  std::string held_;
  std::size_t at_ = 0;  // what is before was given out
  bool is_ended_ = false;
  bool is_inside_line_ = false;
};

// A text, then a line with its mtype, as the typist of a queue chat gives them.
class TypedLines : public Source {
 public:
  static constexpr std::size_t kMostText = std::size_t{1} << 20;

  explicit TypedLines(Printer& printer);
  int fd() const override { return lines_.fd(); }
  ipc::Result<bool> fill() override { return lines_.fill(); }
  std::optional<Piece> next() override;
  bool is_over() const override;
  void stop() override { lines_.stop(); }

 private:
  std::optional<std::string> line();
  std::optional<long> mtype(const std::string& typed);

  Printer& printer_;
  Lines lines_;
  bool is_terminal_;
  std::string line_;  // as far as it has come
  bool is_too_long_ = false;
  std::optional<std::string> text_;  // waits for its mtype
};

// Sends nothing and looks at nothing.
class Silence : public Source {
 public:
  ipc::Result<bool> fill() override { return false; }
  std::optional<Piece> next() override { return std::nullopt; }
  bool is_over() const override { return is_over_; }
  void stop() override { is_over_ = true; }

 private:
  bool is_over_ = false;
};

// Sends nothing, and sees the end of input. /dev/null has no end: that is a peer in the background.
class NoLines : public Source {
 public:
  NoLines() : is_watching_(!is_null_device(0)) {}
  int fd() const override { return is_watching_ ? lines_.fd() : -1; }
  ipc::Result<bool> fill() override;
  std::optional<Piece> next() override { return std::nullopt; }
  bool is_over() const override { return lines_.is_over(); }
  void stop() override { lines_.stop(); }

 private:
  bool is_watching_;
  Lines lines_;
};

// The same text `count` times (0: for ever), one each interval. The end of a terminal's input ends
// it; other input is not looked at.
class Ticks : public Source {
 public:
  Ticks(std::string text, long count, long interval_ms)
      : text_(std::move(text)), left_(count == 0 ? kForever : count), interval_ms_(interval_ms) {}
  int fd() const override { return is_terminal(0) ? terminal_.fd() : -1; }
  ipc::Deadline due() const override { return due_; }
  ipc::Result<bool> fill() override;
  std::optional<Piece> next() override;
  bool is_over() const override { return left_ == 0; }
  void stop() override { left_ = 0; }

 private:
  static constexpr long kForever = -1;

  std::string text_;
  std::size_t at_ = 0;  // what is before was given out
  long left_;
  long interval_ms_;
  ipc::Deadline due_ = ipc::Deadline::now();
  NoLines terminal_;
};

}  // namespace peers
