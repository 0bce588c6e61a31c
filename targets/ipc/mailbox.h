// One message in shared memory: write, read, clear. Never torn, never silently overwritten, never
// read twice, whoever dies at whichever store. The text's length is its only bound. Trusts no byte
// of the segment: a peer may scribble.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/message.h"
#include "targets/ipc/segment.h"

namespace ipc {

// The state is one word, changed by compare-and-swap only:
//
//   empty{n} --claim--> writing{who} --publish--> full{n+1} --claim--> reading{who} --> empty{n+1}
//
// Between claim and the next step only the claimant touches the slot. A claimant that died is seen
// by the next client: a message half written was never sent and is dropped; one that a reader had
// claimed may have been used, so it is reported as lost and never delivered again.
// Sequences grow and name one message each; a dead writer leaves a gap.
class Mailbox {
 public:
  struct Received {
    Message message;
    std::uint64_t sequence = 0;
  };
  enum class Phase : std::uint8_t { empty, writing, full, reading };
  struct Status {
    Phase phase = Phase::empty;
    std::uint64_t sequence = 0;  // of the message while full, of the last one while empty, else 0
    ProcessId claimant{};        // while writing or reading
    bool operator==(const Status&) const = default;
  };

  static constexpr std::size_t kMostPayload = Segment::kMostBytes / 2;
  // The layout of a segment that holds payloads of at most `capacity` bytes, 1 .. kMostPayload.
  static Segment::Layout layout(std::size_t capacity);
  // Takes the segment, made or opened with layout(). A new segment is an empty mailbox.
  static Result<Mailbox> on(Segment segment);

  // All three: Kind::stale if a reader died with a message: that one is lost, its sequence is in
  // the error, nothing else was done: call again. Kind::removed if the segment was removed while
  // waiting, corrupt if a peer broke the rules, bad_argument behind fork() (open it there again).
  // EINTR ends no wait before the deadline.

  // Waits for room; returns the sequence. Kind::too_big, would_block, timed_out.
  Result<std::uint64_t> write(const Message& message, Deadline deadline);
  // Waits for a message. Kind::would_block, timed_out; corrupt: the message is thrown away.
  Result<Received> read(Deadline deadline);
  // Empties the box if the message in it is the one that the caller has seen (look()).
  // Kind::not_found: that message is gone. Never waits.
  Result<> clear(std::uint64_t sequence);

  // What the word says now; it may be another a moment later.
  Status look() const;
  std::size_t capacity() const;
  const Segment& segment() const { return segment_; }
  Segment& segment() { return segment_; }

 private:
  struct Slot;

  explicit Mailbox(Segment segment) : segment_(std::move(segment)) {}
  // Returns once the word had this phase and is claimed by us; gives the word before.
  Result<std::uint64_t> claim(Phase wanted, Phase claimed, Deadline deadline, const char* call);
  Result<> wait(std::uint64_t word, Deadline deadline, const char* call);
  Result<> release(Phase claimed, std::uint64_t next, const char* call);
  // If `word` is the claim of a dead process, undoes it.
  Result<> recover(std::uint64_t word, const char* call);
  bool is_inherited() const;
  Slot& slot() const;

  Segment segment_;
};

}  // namespace ipc
