// A chat over a Unix socket, of kind stream or seqpacket. Must not talk to a process that is not in
// the room.
// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "targets/ipc/listener.h"
#include "targets/ipc/socket.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/chat.h"

namespace peers {
namespace {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Result;

constexpr const char* kName = "chat.sock";

class SocketSide : public Channel {
 public:
  SocketSide(ipc::SocketKind kind, std::optional<ipc::Listener> listener)
      : kind_(kind), listener_(std::move(listener)), is_server_(listener_.has_value()) {}

  void add(std::vector<pollfd>& entries, bool wants_send, bool wants_receive) override {
    if (!connection_) {
      if (listener_) entries.push_back({listener_->fd(), POLLIN, 0});
      return;
    }
    const bool is_out = wants_send || connection_->unsent() > 0;
    const int events = (is_out ? POLLOUT : 0) | (wants_receive && !has_ended_ ? POLLIN : 0);
    // Without events POLLHUP alone would wake for ever (poll(2)).
    if (events != 0) entries.push_back({connection_->fd(), static_cast<short>(events), 0});
  }
  Result<> on_room(Room&, const Room::View& view) override {
    if (connection_ || view.others.empty()) return {};
    return is_server_ ? accept(view.others[0].who.pid) : connect(view.others[0]);
  }
  Result<bool> send(const Piece& piece) override {
    return connection_ ? put(*connection_, to_message(piece)) : Result<bool>(false);
  }
  Result<bool> finish() override {
    if (!connection_) return false;
    if (!has_said_bye_) {
      const Result<bool> said = put(*connection_, {.type = kBye, .payload = {}});
      if (!said || !*said) return said;
      has_said_bye_ = true;
    }
    return is_flushed(*connection_);
  }
  Result<Got> receive(Piece& piece) override {
    if (has_ended_) return Got::end;
    if (!connection_) return Got::nothing;
    auto received = connection_->receive(Deadline::now());
    if (!received && received.error().kind == Kind::would_block) return Got::nothing;
    if (!received) return Failure(received.error());
    if (!*received) return other_side_died();
    auto taken = to_piece(std::move((*received)->message));
    if (!taken) return Failure(taken.error());
    has_ended_ = !*taken;
    if (has_ended_) return Got::end;
    piece = std::move(**taken);
    return Got::piece;
  }

 private:
  Result<> connect(const Room::Other& server) {
    if (server.state != Room::State::ready) return {};
    auto made = ipc::Connection::connect(kName, kind_, Deadline::now());
    // The server has gone just now: the room will say so.
    if (!made && (made.error().kind == Kind::peer_gone || made.error().kind == Kind::not_found))
      return {};
    if (!made) return Failure(made.error());
    connection_ = std::move(*made);
    return {};
  }
  Result<> accept(pid_t client) {
    auto made = listener_->accept(Deadline::now());
    if (!made && made.error().kind == Kind::would_block) return {};
    if (!made) return Failure(made.error());
    const auto who = made->peer();
    if (!who) return Failure(who.error());
    if (who->pid == client)
      connection_ = std::move(*made);
    else
      note("process " + std::to_string(who->pid) + " is not in the room: refused");
    return {};
  }

  ipc::SocketKind kind_;
  std::optional<ipc::Listener> listener_;
  bool is_server_;
  std::optional<ipc::Connection> connection_;
  bool has_said_bye_ = false;
  bool has_ended_ = false;
};

// A server that was killed could not remove the name.
void clear() {
  struct stat status{};
  if (::lstat(kName, &status) == 0 && S_ISSOCK(status.st_mode) && ::unlink(kName) != 0)
    note(ipc::fail("unlink", {}, kName).error().describe());
}

Result<> chat(Room& room, Session& session, bool is_server, ipc::SocketKind kind) {
  std::optional<ipc::Listener> listener;
  if (is_server) {
    auto made = ipc::Listener::listen(kName, kind);
    if (!made) return Failure(made.error());
    listener = std::move(*made);
    if (const auto told = room.set_state(Room::State::ready); !told) return told;
  }
  if (const auto opened = room.open_door(); !opened) return opened;
  SocketSide side(kind, std::move(listener));
  Printer printer;
  Lines lines;
  return Chat({.session = session,
               .source = lines,
               .channel = side,
               .printer = printer,
               .room = &room})
      .run();
}

}  // namespace

Result<> socket_chat(const Options& options, Session& session) {
  const bool is_server = options.is("side", "server");
  const auto kind =
      options.is("kind", "stream") ? ipc::SocketKind::stream : ipc::SocketKind::seqpacket;
  return attend(
      "socket-chat.room", is_server ? 1 : 2, false, session,
      [&](Room& room) { return chat(room, session, is_server, kind); }, clear);
}

}  // namespace peers
