// SPDX-License-Identifier: MIT
#include "targets/model/mailbox.h"

namespace model {

std::optional<std::uint64_t> Mailbox::write(long type, const std::string& text) {
  if (state_ != State::empty) return std::nullopt;
  state_ = State::full;
  turn_ = ++sequence_;
  type_ = type;
  text_ = text;
  return sequence_;
}

std::optional<Mailbox::Stored> Mailbox::read() {
  if (state_ != State::full) return std::nullopt;
  state_ = State::empty;
  return Stored{sequence_, type_, text_};
}

bool Mailbox::clear(std::uint64_t sequence) {
  if (state_ != State::full || sequence != sequence_) return false;
  state_ = State::empty;
  return true;
}

bool Mailbox::die_writing(bool has_number) {
  if (state_ != State::empty) return false;
  state_ = State::writer_died;
  if (has_number) turn_ = sequence_ + 1;
  return true;
}

bool Mailbox::die_reading() {
  if (state_ != State::full) return false;
  state_ = State::reader_died;
  return true;
}

std::optional<std::uint64_t> Mailbox::recover() {
  const State before = state_;
  if (before == State::empty || before == State::full) return std::nullopt;
  state_ = State::empty;
  sequence_ = before == State::writer_died ? turn_ + 1 : turn_;
  if (before == State::writer_died) return std::nullopt;
  return sequence_;
}

}  // namespace model
