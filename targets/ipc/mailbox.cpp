// SPDX-License-Identifier: MIT
#include "targets/ipc/mailbox.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "targets/ipc/shared_word.h"

namespace ipc {

struct Mailbox::Slot {
  // Bits 0-1: phase. The rest: the sequence while empty or full, the claimant while claimed.
  std::uint64_t word;
  // Written by a writer under its claim, before anything else: the highest sequence ever used.
  std::uint64_t turn;
  std::uint64_t length;
  std::uint64_t type;  // a long, bit for bit
  std::uint64_t checksum;

  char* payload() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

constexpr std::uint32_t kVersion = 1;
// How often others may change the word under our hands before we look at the deadline again.
constexpr int kMostRaces = 64;
constexpr std::uint64_t kPhaseMask = (1 << kFreeBits) - 1;
constexpr std::uint64_t kSequenceMask = UINT64_MAX >> kFreeBits;

using Phase = Mailbox::Phase;

Phase phase_of(std::uint64_t word) { return static_cast<Phase>(word & kPhaseMask); }
std::uint64_t sequence_of(std::uint64_t word) { return word >> kFreeBits; }

std::uint64_t resting(Phase phase, std::uint64_t sequence) {
  return (sequence & kSequenceMask) << kFreeBits | static_cast<std::uint64_t>(phase);
}

std::uint64_t claimed_by(ProcessId who, Phase phase) {
  return pack(who) | static_cast<std::uint64_t>(phase);
}

// FNV-1a over all that makes the message, so that no mixture of two passes for one.
class Checksum {
 public:
  void add(const void* bytes, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      sum_ = (sum_ ^ static_cast<const unsigned char*>(bytes)[i]) * 0x100000001b3;
  }
  std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0xcbf29ce484222325;
};

std::uint64_t checksum_of(std::uint64_t sequence, const Message& message) {
  Checksum sum;
  const std::int64_t type = message.type;
  const std::uint64_t length = message.payload.size();
  sum.add(&sequence, sizeof sequence);
  sum.add(&type, sizeof type);
  sum.add(&length, sizeof length);
  sum.add(message.payload.data(), message.payload.size());
  return sum.value();
}

Failure broken(const char* call, std::uint64_t sequence, const char* why) {
  return fail(Kind::corrupt, 0, call, {{{"sequence", static_cast<long>(sequence)}}}, why);
}

Failure inherited(const char* call) {
  return fail(Kind::bad_argument, 0, call, {},
              "this process inherited the mailbox; open it again behind fork()");
}

}  // namespace

Segment::Layout Mailbox::layout(std::size_t capacity) {
  // A size that no segment has refuses a capacity that no mailbox has.
  if (capacity == 0 || capacity > kMostPayload) return {.size = 0, .version = kVersion};
  return {.size = sizeof(Slot) + capacity, .version = kVersion};
}

Result<Mailbox> Mailbox::on(Segment segment) {
  const auto bytes = segment.bytes();
  if (bytes.size() <= sizeof(Slot))
    return fail(Kind::bad_argument, 0, "mailbox", {{{"size", static_cast<long>(bytes.size())}}},
                "too small for a message");
  return Mailbox(std::move(segment));
}

Mailbox::Slot& Mailbox::slot() const { return *reinterpret_cast<Slot*>(segment_.bytes().data()); }

std::size_t Mailbox::capacity() const { return segment_.bytes().size() - sizeof(Slot); }

bool Mailbox::is_inherited() const { return ::getpid() != segment_.me().pid; }

Mailbox::Status Mailbox::look() const {
  const std::uint64_t word = SharedWord(slot().word).load(std::memory_order_acquire);
  const Phase phase = phase_of(word);
  if (phase == Phase::empty || phase == Phase::full)
    return {.phase = phase, .sequence = sequence_of(word)};
  return {.phase = phase, .sequence = 0, .claimant = unpack(word)};
}

Result<std::uint64_t> Mailbox::write(const Message& message, Deadline deadline) {
  const char* const call = "mailbox_write";
  if (message.payload.size() > capacity())
    return fail(Kind::too_big, 0, call,
                {{{"length", static_cast<long>(message.payload.size())},
                  {"capacity", static_cast<long>(capacity())}}});
  const auto before = claim(Phase::empty, Phase::writing, deadline, call);
  if (!before) return std::unexpected(before.error());
  const std::uint64_t sequence = (sequence_of(*before) + 1) & kSequenceMask;
  Slot& slot = this->slot();
  // First of all: should we die, the next sequence must be one that we cannot have used.
  SharedWord(slot.turn).store(sequence, std::memory_order_relaxed);
  slot.length = message.payload.size();
  slot.type = static_cast<std::uint64_t>(message.type);
  std::memcpy(slot.payload(), message.payload.data(), message.payload.size());
  slot.checksum = checksum_of(sequence, message);
  if (const auto done = release(Phase::writing, resting(Phase::full, sequence), call); !done)
    return std::unexpected(done.error());
  return sequence;
}

Result<Mailbox::Received> Mailbox::read(Deadline deadline) {
  const char* const call = "mailbox_read";
  const auto before = claim(Phase::full, Phase::reading, deadline, call);
  if (!before) return std::unexpected(before.error());
  const std::uint64_t sequence = sequence_of(*before);
  Slot& slot = this->slot();
  // Fetched once: what was judged must be what is used.
  const std::uint64_t length = SharedWord(slot.length).load(std::memory_order_relaxed);
  const std::uint64_t checksum = SharedWord(slot.checksum).load(std::memory_order_relaxed);
  const std::uint64_t type = SharedWord(slot.type).load(std::memory_order_relaxed);
  Received received{.message = {.type = static_cast<long>(type), .payload = {}},
                    .sequence = sequence};
  const bool is_bounded = length <= capacity();
  if (is_bounded) received.message.payload.assign(slot.payload(), length);
  if (const auto done = release(Phase::reading, resting(Phase::empty, sequence), call); !done)
    return std::unexpected(done.error());
  if (!is_bounded) return broken(call, sequence, "its length is beyond the segment");
  if (checksum != checksum_of(sequence, received.message))
    return broken(call, sequence, "its checksum is wrong");
  return received;
}

Result<> Mailbox::clear(std::uint64_t sequence) {
  const char* const call = "mailbox_clear";
  if (is_inherited()) return inherited(call);
  SharedWord word(slot().word);
  std::uint64_t seen = word.load(std::memory_order_acquire);
  if (const auto recovered = recover(seen, call); !recovered) return recovered;
  // One step, no claim: whoever dies here has cleared all or nothing.
  seen = resting(Phase::full, sequence);
  if (sequence > kSequenceMask ||
      !word.compare_exchange_strong(seen, resting(Phase::empty, sequence)))
    return fail(Kind::not_found, 0, call, {{{"sequence", static_cast<long>(sequence)}}},
                "that message is not in the box");
  wake_all(slot().word);
  return {};
}

Result<std::uint64_t> Mailbox::claim(Phase wanted, Phase claimed, Deadline deadline,
                                     const char* call) {
  if (is_inherited()) return inherited(call);
  const std::uint64_t ours = claimed_by(segment_.me(), claimed);
  SharedWord word(slot().word);
  for (int races = 0;;) {  // until the deadline
    std::uint64_t seen = word.load(std::memory_order_acquire);
    if (phase_of(seen) == wanted) {
      std::uint64_t before = seen;
      if (word.compare_exchange_strong(before, ours)) return seen;
    } else if (const auto recovered = recover(seen, call); !recovered) {
      return std::unexpected(recovered.error());
    }
    const bool has_changed = word.load(std::memory_order_acquire) != seen;
    if (has_changed && ++races < kMostRaces) continue;
    races = 0;
    if (const auto waited = wait(seen, deadline, call); !waited)
      return std::unexpected(waited.error());
  }
}

Result<> Mailbox::wait(std::uint64_t word, Deadline deadline, const char* call) {
  if (deadline.expired()) {
    const Phase phase = phase_of(word);
    return late(deadline, call,
                phase == Phase::empty  ? "no message"
                : phase == Phase::full ? "the last message has not been read"
                                       : "another client is at it");
  }
  if (const auto woken = wait_on(slot().word, word, deadline); !woken) return woken;
  return segment_.check();
}

// Nobody else may change a live claim; if the word changed all the same, a peer broke the rules.
Result<> Mailbox::release(Phase claimed, std::uint64_t next, const char* call) {
  std::uint64_t ours = claimed_by(segment_.me(), claimed);
  if (!SharedWord(slot().word).compare_exchange_strong(ours, next))
    return broken(call, sequence_of(next), "a peer took our claim away");
  wake_all(slot().word);
  return {};
}

Result<> Mailbox::recover(std::uint64_t word, const char* call) {
  const Phase phase = phase_of(word);
  if (phase == Phase::empty || phase == Phase::full) return {};
  const ProcessId claimant = unpack(word);
  if (claimant == segment_.me() || is_alive(claimant)) return {};
  // Only its claimant sets a word with this claimant, and it is dead: the word cannot come back.
  const std::uint64_t turn =
      SharedWord(slot().turn).load(std::memory_order_relaxed) & kSequenceMask;
  const std::uint64_t next = phase == Phase::writing ? turn + 1 : turn;
  if (!SharedWord(slot().word).compare_exchange_strong(word, resting(Phase::empty, next)))
    return {};  // another client was faster; it reports the loss
  wake_all(slot().word);
  if (phase == Phase::writing) return {};
  return fail(Kind::stale, 0, call,
              {{{"sequence", static_cast<long>(turn)}, {"reader", claimant.pid}}},
              "its reader died; the message is lost");
}

}  // namespace ipc
