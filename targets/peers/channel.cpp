// SPDX-License-Identifier: MIT
#include "targets/peers/channel.h"

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
  if (out_ && (!has_said_bye_ || out_->stream.unsent() > 0))
    entries.push_back({out_->fd, static_cast<short>(wants_send ? POLLOUT : 0), 0});
  if (in_ && !has_ended_ && wants_receive) entries.push_back({in_->fd, POLLIN, 0});
}

Result<bool> StreamChannel::send(const Piece& piece) {
  return out_ ? put(out_->stream, to_message(piece)) : Result<bool>(false);
}

Result<bool> StreamChannel::finish() {
  if (!out_) return true;
  if (!has_said_bye_) {
    const Result<bool> said = put(out_->stream, {.type = kBye, .payload = {}});
    if (!said || !*said) return said;
    has_said_bye_ = true;
  }
  return is_flushed(out_->stream);
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
