// Seed programs 3 and 4: a chat over two FIFOs, fifo1 from side a to side b, fifo2 back.
// Must not open a FIFO in a way that waits: the room tells when the other side listens.
// SPDX-License-Identifier: MIT
#include <string>
#include <utility>

#include "targets/ipc/fifo.h"
#include "targets/ipc/io.h"
#include "targets/ipc/wait.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/chat.h"
#include "targets/peers/room_fifo.h"

namespace peers {
namespace {

using ipc::Failure;
using ipc::Fifo;
using ipc::Kind;
using ipc::Result;

constexpr const char* kNames[] = {"fifo1", "fifo2"};
constexpr ipc::IoPolicy kFifoPolicy{.access = ipc::Access::nonblocking,
                                    .on_signal = ipc::OnSignal::retry};

void clear() {
  for (const char* name : kNames) clear_fifo(name);
}

class FifoSide : public StreamChannel {
 public:
  // The first of a session makes both FIFOs, and removes them; if it dies, the last does.
  static Result<FifoSide> make(Room& room, bool is_a) {
    Result<Fifo> in = make_or_use(room, kNames[is_a ? 1 : 0]);
    if (!in) return Failure(in.error());
    Result<Fifo> out = make_or_use(room, kNames[is_a ? 0 : 1]);
    if (!out) return Failure(out.error());
    Result<ipc::Fd> reader = in->listen();
    if (!reader) return Failure(reader.error());
    if (const auto told = room.set_state(Room::State::ready); !told) return Failure(told.error());
    return FifoSide(std::move(*in), std::move(*out), std::move(*reader));
  }

  Result<> on_room(Room&, const Room::View& view) override {
    if (writer_ || view.others.empty() || view.others[0].state != Room::State::ready) return {};
    Result<ipc::Fd> opened = out_.open_writer(ipc::Deadline::now());
    if (!opened && opened.error().kind == Kind::would_block) return {};  // it has gone again
    if (!opened) return Failure(opened.error());
    writer_ = std::move(*opened);
    set_writer(writer_.get(), kFifoPolicy);
    return {};
  }
  // Until the first writer has come read(2) gives 0, and poll(2) nothing (fifo(7)).
  Result<Got> receive(Piece& piece) override {
    if (!has_come_) {
      const auto ready = ipc::wait_readable({reader_.get()}, ipc::Deadline::now());
      if (!ready && ready.error().kind == Kind::would_block) return Got::nothing;
      if (!ready) return Failure(ready.error());
      has_come_ = true;
    }
    return StreamChannel::receive(piece);
  }
  Result<bool> finish() override { return writer_ ? StreamChannel::finish() : Result<bool>(false); }

 private:
  FifoSide(Fifo in, Fifo out, ipc::Fd reader)
      : in_(std::move(in)), out_(std::move(out)), reader_(std::move(reader)) {
    set_reader(reader_.get(), kFifoPolicy);
  }

  Fifo in_;
  Fifo out_;
  ipc::Fd reader_;
  ipc::Fd writer_;
  bool has_come_ = false;
};

}  // namespace

Result<> fifo_chat(const Options& options, Session& session) {
  const bool is_a = options.is("side", "a");
  const auto body = [&](Room& room) -> Result<> {
    Result<FifoSide> side = FifoSide::make(room, is_a);
    if (!side) return Failure(side.error());
    if (const auto opened = room.open_door(); !opened) return opened;
    Printer printer;
    Lines lines;
    return Chat({.session = session,
                 .source = lines,
                 .channel = *side,
                 .printer = printer,
                 .room = &room})
        .run();
  };
  return attend("fifo-chat.room", is_a ? 1 : 2, false, session, body, clear);
}

}  // namespace peers
