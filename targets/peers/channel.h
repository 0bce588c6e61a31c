// What a chat is held over: one side of a transport between peers, driven without ever blocking.
// Must not print, nor decide when the session ends: see chat.h.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/frame_io.h"
#include "targets/ipc/message.h"
#include "targets/peers/room.h"
#include "targets/peers/source.h"

namespace peers {

class Channel {
 public:
  enum class Got : std::uint8_t {
    nothing,  // now
    piece,
    end,  // the other side has said goodbye: nothing comes any more
  };

  virtual ~Channel() = default;
  // What to wait for: room to send only if something waits for it, input only if it is wanted.
  virtual void add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) = 0;
  // False: not now. True: the piece is taken.
  virtual ipc::Result<bool> send(const Piece& piece) = 0;
  // Says goodbye; false: not all has gone out yet, call again.
  virtual ipc::Result<bool> finish() = 0;
  virtual ipc::Result<Got> receive(Piece& piece) = 0;

  // The room has changed.
  virtual ipc::Result<> on_room(Room&, const Room::View&) { return {}; }
  // SIGUSR1 came: a peer says "look again". True: it asks for the end of the session.
  virtual bool on_poke() { return false; }
  // This side wants the end: tells a peer that finish() would not reach.
  virtual ipc::Result<> ask_for_end() { return {}; }
  // Nothing of what was sent waits to be taken.
  virtual bool is_delivered() const { return true; }
  // Two parties: when the other has left the room, only what it sent before can still come.
  virtual bool needs_partner() const { return true; }
};

// The types of messages between peers, where the type is ours to choose.
constexpr long kLine = 1;  // a line, or the last part of one
constexpr long kPart = 2;  // more of the same line follows
constexpr long kBye = 3;   // nothing follows

ipc::Message to_message(const Piece& piece);
// Nothing for kBye. corrupt: another type.
ipc::Result<std::optional<Piece>> to_piece(ipc::Message message);
// For a stream that ended without a goodbye.
ipc::Failure other_side_died();

// False: not now. True: the message is taken; the stream (MessageWriter, ipc::Connection) may still
// keep a rest of it, see is_flushed().
template <class Stream>
ipc::Result<bool> put(Stream& stream, const ipc::Message& message) {
  if (stream.unsent() > 0) {
    const ipc::Result<> flushed = stream.flush(ipc::Deadline::now());
    if (!flushed && flushed.error().kind != ipc::Kind::would_block)
      return ipc::Failure(flushed.error());
    if (stream.unsent() > 0) return false;
  }
  const ipc::Result<> sent = stream.send(message, ipc::Deadline::now());
  if (!sent && sent.error().kind != ipc::Kind::would_block) return ipc::Failure(sent.error());
  return sent.has_value() || stream.unsent() > 0;
}

// Pushes on; true: all has gone out.
template <class Stream>
ipc::Result<bool> is_flushed(Stream& stream) {
  const ipc::Result<> flushed = stream.flush(ipc::Deadline::now());
  if (!flushed && flushed.error().kind != ipc::Kind::would_block)
    return ipc::Failure(flushed.error());
  return stream.unsent() == 0;
}

// Over two ends that carry a stream of frames; either may be missing. Derived classes connect it.
class StreamChannel : public Channel {
 public:
  void add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) override;
  ipc::Result<bool> send(const Piece& piece) override;
  ipc::Result<bool> finish() override;
  ipc::Result<Got> receive(Piece& piece) override;

 protected:
  void set_reader(int fd, ipc::IoPolicy policy) { in_.emplace(fd, fd, policy); }
  void set_writer(int fd, ipc::IoPolicy policy) { out_.emplace(fd, fd, policy); }
  bool has_writer() const { return out_.has_value(); }
  bool has_reader() const { return in_.has_value(); }

 private:
  template <class Stream>
  struct End {
    End(int number, int same, ipc::IoPolicy policy) : fd(number), stream(same, policy) {}
    int fd;
    Stream stream;
  };

  std::optional<End<ipc::MessageReader>> in_;
  std::optional<End<ipc::MessageWriter>> out_;
  bool has_said_bye_ = false;
  bool has_ended_ = false;
};

}  // namespace peers
