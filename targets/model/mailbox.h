// The obvious twin of the mailbox: at most one message, and the claim of somebody who died. Makes
// no system call, has no bytes to tear and never waits.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace model {

class Mailbox {
 public:
  struct Stored {
    std::uint64_t sequence;
    long type;
    std::string text;
  };
  enum class State { empty, full, writer_died, reader_died };

  // The sequence; nothing while a message is there.
  std::optional<std::uint64_t> write(long type, const std::string& text);
  std::optional<Stored> read();
  bool clear(std::uint64_t sequence);

  // Somebody claimed the box and died; false if the box could not be claimed for that. A writer may
  // have taken his number (he cannot be asked) or not.
  bool die_writing(bool has_number);
  bool die_reading();
  // What every operation does first. The sequence of the message that died with its reader, if any.
  std::optional<std::uint64_t> recover();

  State state() const { return state_; }
  std::uint64_t sequence() const { return sequence_; }

 private:
  State state_ = State::empty;
  std::uint64_t sequence_ = 0;  // of the message, or of the last one
  std::uint64_t turn_ = 0;      // the highest number that a writer took
  long type_ = 0;
  std::string text_;
};

}  // namespace model
