// SPDX-License-Identifier: MIT
#include "targets/peers/channel.h"

#include "targets/ipc/deadline.h"

namespace peers {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Result;

ipc::Message to_message(const Piece& piece) {
  return {.type = piece.ends_line ? kLine : kPart, .payload = piece.text};
}

Result<std::optional<Piece>> to_piece(ipc::Message message) {
  if (message.type == kBye) return std::nullopt;
  if (message.type != kLine && message.type != kPart)
    return ipc::fail(Kind::corrupt, 0, "receive", {{{"type", message.type}}});
  return Piece{.text = std::move(message.payload), .ends_line = message.type == kLine};
}

Failure other_side_died() {
  return ipc::fail(Kind::peer_gone, 0, "receive", {}, "the other side ended without a goodbye");
}

void StreamChannel::add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) {
  // Without POLLOUT the entry still tells that no reader is left (POLLERR, poll(2)).
  if (out_ && !has_said_bye_)
    entries.push_back({out_->fd, static_cast<short>(wants_send ? POLLOUT : 0), 0});
  if (in_ && !has_ended_ && wants_receive) entries.push_back({in_->fd, POLLIN, 0});
}

Result<bool> StreamChannel::send(const ipc::Message& message) {
  if (!out_) return false;
  const bool is_rest = out_->stream.unsent() > 0;
  const Result<> sent =
      is_rest ? out_->stream.flush(Deadline::now()) : out_->stream.send(message, Deadline::now());
  if (!sent && sent.error().kind != Kind::would_block) return Failure(sent.error());
  if (is_rest) return false;
  // What was begun counts as taken: the stream keeps the rest.
  return sent.has_value() || out_->stream.unsent() > 0;
}

Result<bool> StreamChannel::send(const Piece& piece) {
  // A rest that has gone out makes room for the piece at once.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const bool was_rest = out_ && out_->stream.unsent() > 0;
    const Result<bool> sent = send(to_message(piece));
    if (!sent || *sent || !was_rest || out_->stream.unsent() > 0) return sent;
  }
  return false;
}

Result<bool> StreamChannel::finish() {
  if (!out_) return true;
  if (!has_said_bye_) {
    if (out_->stream.unsent() > 0) {
      const Result<> sent = out_->stream.flush(Deadline::now());
      if (!sent && sent.error().kind != Kind::would_block) return Failure(sent.error());
      if (out_->stream.unsent() > 0) return false;
    }
    const Result<bool> sent = send(ipc::Message{.type = kBye, .payload = {}});
    if (!sent || !*sent) return sent;
    has_said_bye_ = true;
  }
  const Result<> sent = out_->stream.flush(Deadline::now());
  if (!sent && sent.error().kind != Kind::would_block) return Failure(sent.error());
  return out_->stream.unsent() == 0;
}

Result<Channel::Got> StreamChannel::receive(Piece& piece) {
  if (has_ended_) return Got::end;
  if (!in_) return Got::nothing;
  auto message = in_->stream.receive(Deadline::now());
  if (!message && message.error().kind == Kind::would_block) return Got::nothing;
  if (!message) return Failure(message.error());
  if (!*message) return other_side_died();
  auto taken = to_piece(std::move(**message));
  if (!taken) return Failure(taken.error());
  has_ended_ = !*taken;
  if (has_ended_) return Got::end;
  piece = std::move(**taken);
  return Got::piece;
}

}  // namespace peers
