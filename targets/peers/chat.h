// A session from its first to its last byte: one loop that waits for input, signals, the transport,
// the room and standard output together, and ends both sides in order. Must not know a transport.
// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/peers/channel.h"
#include "targets/peers/room.h"
#include "targets/peers/session.h"
#include "targets/peers/source.h"

namespace peers {

// The states of a side: it talks until its source is over, a signal comes, or the other side asks
// for the end or says goodbye. Then it parts: takes what was typed before, sends it, says goodbye,
// and waits for the other's goodbye. Alone, it ends at once on a signal, and at the end of input
// once nothing waits for a peer.
class Chat {
 public:
  static constexpr std::size_t kMostWaiting = 64;  // pieces, before the typist has to wait
  static constexpr std::size_t kMostParting = std::size_t{16} << 20;  // bytes taken while parting
  static constexpr long kPartingLimit_ms = 10000;  // without any progress, after a signal

  struct Sides {
    Session& session;
    Source& source;
    Channel& channel;
    Printer& printer;
    Room* room = nullptr;
    bool sends = true;  // false: the source only says when the input ends
  };

  explicit Chat(Sides sides) : sides_(sides), was_met_(sides.room == nullptr) {}
  // peer_gone: the other side died; timed_out: it stopped taking or answering; interrupted: a
  // second signal; else what the transport says.
  ipc::Result<> run();

 private:
  ipc::Result<> step();
  ipc::Result<> take_signals();
  ipc::Result<> look_at_room();
  ipc::Result<> take_input();
  ipc::Result<> send();
  ipc::Result<> receive();
  ipc::Result<> part(bool was_asked);
  ipc::Result<> collect_typed();
  ipc::Result<> print();
  ipc::Result<> wait();
  bool is_finished() const;
  bool wants_input() const;
  void fail(const ipc::Error& error);

  Sides sides_;
  std::deque<Piece> waiting_;
  std::optional<ipc::Error> failure_;
  bool is_parting_ = false;
  bool was_signalled_ = false;
  bool was_met_;                // somebody else was there
  bool is_left_alone_ = false;  // and is no more
  bool is_other_gone_ = false;  // died, or the transport did
  bool has_finished_ = false;   // nothing more goes out
  bool has_ended_ = false;      // nothing more comes in
  bool has_moved_ = false;      // in this step
  ipc::Deadline limit_ = ipc::Deadline::never();
};

}  // namespace peers
