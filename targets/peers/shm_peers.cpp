// Seed programs 6 and 7: the reader tells its PID through a FIFO, the writer puts lines into shared
// memory and says "look" with SIGUSR1; the reader answers each with the same. Must not count
// signals: they merge, and what is true stands in the mailbox. Must not signal the unverified.
// SPDX-License-Identifier: MIT
#include <signal.h>

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "targets/ipc/handshake.h"
#include "targets/ipc/mailbox.h"
#include "targets/ipc/segment.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/chat.h"
#include "targets/peers/room_fifo.h"
#include "targets/peers/sysv_object.h"

namespace peers {
namespace {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Mailbox;
using ipc::Result;

constexpr ObjectFile kFile{Object::segment, "shmfile", 'b'};
constexpr const char* kFifo = "fifo";
constexpr std::size_t kCapacity = std::size_t{64} << 10;
constexpr std::chrono::milliseconds kMakerLimit(10000);
constexpr long kWriter = 1;
constexpr long kReader = 2;

Result<Mailbox> make_mailbox(Room& room, const ipc::KeyFile& file) {
  const Result<ipc::ProcessId> me = ipc::self();
  if (!me) return Failure(me.error());
  const auto layout = Mailbox::layout(kCapacity);
  auto segment = room.is_first()
                     ? ipc::Segment::create(file.key(), layout, *me)
                     : ipc::Segment::open(file.key(), layout, ipc::Segment::OnStale::fail, *me,
                                          Deadline::after(kMakerLimit));
  if (!segment) return Failure(segment.error());
  segment->keep();  // the last one removes it
  return Mailbox::on(std::move(*segment));
}

Result<Mailbox> mailbox_of(Room& room) {
  Result<ipc::KeyFile> file = kFile.open();
  if (!file) return Failure(file.error());
  if (room.is_first()) {
    if (auto cleared = kFile.clear_left(*file, room.was_making()); !cleared)
      return Failure(cleared.error());
    if (auto said = room.set_making(true); !said) return Failure(said.error());
  }
  Result<Mailbox> box = make_mailbox(room, *file);
  if (!box) return box;
  const int id = box->segment().id();
  if (auto known = room.is_first() ? file->record(id) : file->check(id); !known)
    return Failure(known.error());
  if (room.is_first())
    if (auto said = room.set_making(false); !said) return Failure(said.error());
  return box;
}

// What both sides have: the box, and the other one to be told "look".
class ShmSide : public Channel {
 public:
  ShmSide(Mailbox box, ipc::Fifo fifo) : box_(std::move(box)), fifo_(std::move(fifo)) {}
  void add(std::vector<pollfd>&, bool, bool) override {}  // signals and the room say all

 protected:
  // Both of its ends are told by the room.
  Result<> poke() {
    const Result<> told = other_->notify(SIGUSR1);
    return told || told.error().kind == Kind::peer_gone ? Result<>{} : told;
  }

  Mailbox box_;
  ipc::Fifo fifo_;
  std::optional<ipc::Peer> other_;
};

class Writer : public ShmSide {
 public:
  using ShmSide::ShmSide;

  Result<> start(Room& room) {
    Result<ipc::Fd> reader = fifo_.listen();
    if (!reader) return Failure(reader.error());
    greetings_ = std::move(*reader);
    return room.set_state(Room::State::ready);
  }
  void add(std::vector<pollfd>& entries, bool, bool) override {
    if (!other_) entries.push_back({greetings_.get(), POLLIN, 0});
  }
  Result<> on_room(Room&, const Room::View& view) override {
    if (!other_ && !view.others.empty())
      if (const auto met = meet(view.others[0]); !met) return met;
    const bool is_seen = !view.others.empty() && view.others[0].state == Room::State::done;
    const bool is_taken = box_.look().phase == Mailbox::Phase::empty;
    has_ended_ = has_said_bye_ && (is_seen || (view.others.empty() && is_taken));
    return {};
  }
  Result<bool> send(const Piece& piece) override { return write(to_message(piece)); }
  Result<bool> finish() override {
    if (!has_said_bye_) {
      const Result<bool> said = write({.type = kBye, .payload = {}});
      if (!said || !*said) return said;
      has_said_bye_ = true;
    }
    return true;
  }
  Result<Got> receive(Piece&) override { return has_ended_ ? Got::end : Got::nothing; }

 private:
  // The PID from the FIFO must be that of the reader in the room: others are not signalled.
  Result<> meet(const Room::Other& reader) {
    if (reader.state != Room::State::ready) return {};  // it has not written yet
    Result<ipc::Peer> met = ipc::meet(greetings_, Deadline::now());
    if (!met && (met.error().kind == Kind::would_block || met.error().kind == Kind::peer_gone))
      return {};  // gone already: the room will say so
    if (!met) return Failure(met.error());
    if (met->id() != reader.who)
      return ipc::fail(Kind::corrupt, 0, "meet", {{{"pid", met->pid()}}},
                       "another process wrote to the FIFO");
    other_ = std::move(*met);
    greetings_.close();
    return {};
  }
  Result<bool> write(const ipc::Message& message) {
    if (!other_) return false;
    const auto written = box_.write(message, Deadline::now());
    if (!written && written.error().kind == Kind::would_block) return false;
    if (!written) return Failure(written.error());
    if (const auto told = poke(); !told) return Failure(told.error());
    return true;
  }

  ipc::Fd greetings_;
  bool has_said_bye_ = false;
  bool has_ended_ = false;
};

class Reader : public ShmSide {
 public:
  using ShmSide::ShmSide;

  Result<> on_room(Room& room, const Room::View& view) override {
    room_ = &room;
    if (other_ || view.others.empty() || view.others[0].state != Room::State::ready) return {};
    Result<ipc::Peer> writer = ipc::Peer::verify(view.others[0].who);
    if (!writer && writer.error().kind == Kind::peer_gone) return {};  // the room will say so
    if (!writer) return Failure(writer.error());
    const Result<ipc::Fd> greetings = fifo_.open_writer(Deadline::now());
    if (!greetings && greetings.error().kind == Kind::would_block) return {};
    if (!greetings) return Failure(greetings.error());
    if (const auto greeted = ipc::greet(*greetings, Deadline::now()); !greeted) return greeted;
    other_ = std::move(*writer);
    return room.set_state(Room::State::ready);
  }
  Result<bool> send(const Piece&) override { return true; }
  Result<bool> finish() override { return true; }
  Result<Got> receive(Piece& piece) override {
    if (!other_) return Got::nothing;
    if (has_ended_) return Got::end;
    auto received = box_.read(Deadline::now());
    if (!received && received.error().kind == Kind::would_block) return Got::nothing;
    if (!received) return Failure(received.error());
    if (const auto told = poke(); !told) return Failure(told.error());
    auto taken = to_piece(std::move(received->message));
    if (!taken) return Failure(taken.error());
    has_ended_ = !*taken;
    if (has_ended_) {
      if (const auto told = room_->set_state(Room::State::done); !told)
        return Failure(told.error());
      return Got::end;
    }
    piece = std::move(**taken);
    return Got::piece;
  }

 private:
  Room* room_ = nullptr;
  bool has_ended_ = false;
};

void clear() {
  clear_fifo(kFifo);
  kFile.remove();
}

template <class Side>
Result<Side> make_side(Room& room) {
  Result<Mailbox> box = mailbox_of(room);
  if (!box) return Failure(box.error());
  Result<ipc::Fifo> fifo = make_or_use(room, kFifo);
  if (!fifo) return Failure(fifo.error());
  return Side(std::move(*box), std::move(*fifo));
}

}  // namespace

Result<> shm_writer(const Options& options, Session& session) {
  const auto body = [&](Room& room) -> Result<> {
    Result<Writer> side = make_side<Writer>(room);
    if (!side) return Failure(side.error());
    if (const auto started = side->start(room); !started) return started;
    if (const auto opened = room.open_door(); !opened) return opened;
    Printer printer;
    Lines lines;
    Ticks ticks(options.text("text"), options.number("count"), options.number("interval_ms"));
    Source& source = options.is("text", "-") ? static_cast<Source&>(lines) : ticks;
    return Chat({.session = session,
                 .source = source,
                 .channel = *side,
                 .printer = printer,
                 .room = &room})
        .run();
  };
  return attend("shm.room", kWriter, false, session, body, clear);
}

Result<> shm_reader(const Options&, Session& session) {
  const auto body = [&](Room& room) -> Result<> {
    Result<Reader> side = make_side<Reader>(room);
    if (!side) return Failure(side.error());
    if (const auto opened = room.open_door(); !opened) return opened;
    Printer printer;
    NoLines none;
    return Chat({.session = session,
                 .source = none,
                 .channel = *side,
                 .printer = printer,
                 .room = &room,
                 .sends = false})
        .run();
  };
  return attend("shm.room", kReader, false, session, body, clear);
}

}  // namespace peers
