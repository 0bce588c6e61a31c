// SPDX-License-Identifier: MIT
#include "targets/fuzz/shm_box.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include <climits>
#include <utility>

#include "targets/ipc/shared_word.h"

namespace fuzz::shm {
namespace {

using ipc::Kind;
using ipc::Mailbox;
using ipc::Segment;
using Dead = model::Mailbox::State;
using OnStale = Segment::OnStale;
using Record = pipewrench::Record;

constexpr std::array<long, 8> kTypes = {1, 2, 0, -1, LONG_MIN, LONG_MAX, 77, -77};
constexpr std::array<std::size_t, 8> kSizes = {0, 1, 7, 15, 16, 17, 40, 41};
constexpr std::array<std::size_t, 4> kCapacities = {16, 16, 40, 16};  // the last: another version
constexpr std::size_t kHeaderWords = 8, kSlotWords = 5;
// No process has the greatest PID that Linux can give, with this start.
constexpr ipc::ProcessId kDead{.pid = (1 << 22) - 1, .start_ticks = 5};
// Words of the header and of the slot, as they lie in the segment.
constexpr std::size_t kCreator = 0, kState = 4, kMail = 8, kTurn = 9, kLength = 10;

Segment::Layout layout_of(std::size_t index) {
  Segment::Layout layout = Mailbox::layout(kCapacities[index]);
  if (index == 3) ++layout.version;
  return layout;
}

// What the operations read out of a record's value.
std::size_t size_of(const Record& record) { return kSizes[record.value >> 3 & 7]; }
long type_of(const Record& record) { return kTypes[record.value & 7]; }
bool creates(const Record& record) { return record.value % 3 != 1; }
bool opens(const Record& record) { return record.value % 3 != 0; }
OnStale on_stale_of(const Record& record) { return static_cast<OnStale>(record.value / 3 % 3); }
std::size_t layout_index_of(const Record& record) { return record.value / 9 % kCapacities.size(); }

std::uint64_t* words_of(Boxes::Client& client) {
  return reinterpret_cast<std::uint64_t*>(client.mailbox->segment().bytes().data()) - kHeaderWords;
}

}  // namespace

std::string message_of(const Record& record) {
  return "type=" + show(type_of(record)) + " size=" + std::to_string(size_of(record)) + ' ' +
         wait_of(record);
}

std::string opening_of(const Record& record) {
  constexpr std::array kOnStale = {"fail", "reuse", "recreate"};
  const std::size_t layout = layout_index_of(record);
  return std::string(creates(record) ? "create" : "") + (opens(record) ? "|open" : "") +
         " stale=" + kOnStale[record.value / 3 % kOnStale.size()] +
         " capacity=" + std::to_string(kCapacities[layout]) +
         " version=" + std::to_string(layout_of(layout).version) + ' ' + wait_of(record);
}

std::string sequence_of(const Record& record) {
  if ((record.value & 6) == 6) return "nonsense";
  return (record.value & 1) != 0 ? "the one before" : "the last";
}

std::string death_of(const Record& record) {
  constexpr std::array kWhere = {"at rest", "writing, no number yet", "writing", "reading",
                                 "making the segment"};
  return kWhere[record.value % kWhere.size()];
}

std::string word_of(const Record& record) { return "value=" + std::to_string(record.value); }

void Boxes::compare() {
  if (is_wild_ || !current_ || !std::exchange(may_differ_, false)) return;
  shmid_ds status{};
  same(setting_.step, "segment exists",
       static_cast<long>(::shmctl(current_->id, IPC_STAT, &status)), 0L);
  const model::Segments::Segment* const twin = segments_.find(current_->twin);
  if (twin == nullptr) differ(setting_.step, "segment", "there", "removed");
  same(setting_.step, "attached", static_cast<long>(status.shm_nattch),
       static_cast<long>(twin->attached));
}

void Boxes::finish() {
  may_differ_ = true;
  compare();
  for (Client& client : clients_) {
    look(client, {});
    close(client, {});
  }
  if (!is_wild_) {
    same(setting_.step, "segments", static_cast<long>(segments_.count()), current_ ? 1L : 0L);
    if (current_) ::shmctl(current_->id, IPC_RMID, nullptr);
    return;
  }
  for (const int id : ids_) ::shmctl(id, IPC_RMID, nullptr);
  if (const int id = ::shmget(setting_.key, 0, 0); id >= 0) ::shmctl(id, IPC_RMID, nullptr);
}

bool Boxes::is_open(Client& client) {
  if (!client.mailbox) open(client, {.op = 0, .client = 0, .flags = 0, .fault = 0, .value = 5});
  return client.mailbox.has_value();
}

// Before each operation of the mailbox: what the dead have left. True if that is the result.
template <class T>
bool Boxes::is_loss(Client& client, const ipc::Result<T>& result) {
  if (is_wild_) return false;
  const auto lost = client.box->mail.recover();
  if (!lost) return false;
  if (result) differ(setting_.step, "result", "success", "message lost");
  setting_.differs(result.error(), Kind::stale);
  same(setting_.step, "lost", result.error().arguments[0].value, static_cast<long>(*lost));
  client.box->is_spoilt = false;
  return true;
}

// Who waits sees that the segment is marked for removal.
Kind Boxes::late_at(Client& client, const Record& record) {
  return waits(record) && client.box != current_ ? Kind::removed : late(record);
}

void Boxes::write(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const std::size_t size = size_of(record);
  const ipc::Message message{
      .type = type_of(record),
      .payload = std::string(size, static_cast<char>('a' + setting_.step.index % 26))};
  const auto written = setting_.with_fault(
      record, [&] { return client.mailbox->write(message, deadline_of(record)); });
  if (is_wild_) return;
  if (size > client.mailbox->capacity()) {
    if (written) differ(setting_.step, "write", "written", "too big");
    return setting_.differs(written.error(), Kind::too_big);
  }
  if (is_loss(client, written)) return;
  if (!written && setting_.is_explained) return;
  const auto expected = client.box->mail.write(message.type, message.payload);
  if (!written)
    return expected ? differ(setting_.step, "write", written.error().describe(), "sent")
                    : setting_.differs(written.error(), late_at(client, record));
  if (!expected) differ(setting_.step, "write", "written", "full");
  same(setting_.step, "sequence", static_cast<long>(*written), static_cast<long>(*expected));
}

void Boxes::read(Client& client, const Record& record) {
  if (!is_open(client)) return;
  const auto received =
      setting_.with_fault(record, [&] { return client.mailbox->read(deadline_of(record)); });
  if (received && received->message.payload.size() > client.mailbox->capacity())
    differ(setting_.step, "length", show(received->message.payload), "within bounds");
  if (is_wild_ || is_loss(client, received) || (!received && setting_.is_explained)) return;
  const auto expected = client.box->mail.read();
  if (!received) {
    if (expected && !client.box->is_spoilt)
      differ(setting_.step, "read", received.error().describe(), show(expected->text));
    setting_.differs(received.error(), expected ? Kind::corrupt : late_at(client, record));
    client.box->is_spoilt = false;
    return;
  }
  if (!expected) differ(setting_.step, "read", show(received->message.payload), "empty");
  if (client.box->is_spoilt) differ(setting_.step, "read", "a message", "corrupt");
  same(setting_.step, "type", received->message.type, expected->type);
  same(setting_.step, "sequence", static_cast<long>(received->sequence),
       static_cast<long>(expected->sequence));
  same(setting_.step, "text", std::string_view(received->message.payload),
       std::string_view(expected->text));
}

void Boxes::clear(Client& client, const Record& record) {
  if (!is_open(client)) return;
  // The message in it, the one before, or nonsense.
  std::uint64_t sequence = client.mailbox->look().sequence - (record.value & 1);
  if ((record.value & 6) == 6) sequence = record.value * 0x0123456789abcdefULL;
  const auto cleared = setting_.with_fault(record, [&] { return client.mailbox->clear(sequence); });
  if (is_wild_ || is_loss(client, cleared)) return;
  const bool expected = client.box->mail.clear(sequence);
  same(setting_.step, "cleared", static_cast<long>(cleared.has_value()),
       static_cast<long>(expected));
  if (!cleared) return setting_.differs(cleared.error(), Kind::not_found);
  client.box->is_spoilt = false;
}

void Boxes::look(Client& client, const Record&) {
  if (!client.mailbox || is_wild_) return;
  const auto status = client.mailbox->look();
  const model::Mailbox& mail = client.box->mail;
  constexpr std::array kPhases = {Mailbox::Phase::empty, Mailbox::Phase::full,
                                  Mailbox::Phase::writing, Mailbox::Phase::reading};
  same(setting_.step, "phase", static_cast<long>(status.phase),
       static_cast<long>(kPhases[static_cast<std::size_t>(mail.state())]));
  if (mail.state() == Dead::empty || mail.state() == Dead::full)
    same(setting_.step, "sequence", static_cast<long>(status.sequence),
         static_cast<long>(mail.sequence()));
}

// By the model: what is under the key now, and what the policy makes of it.
Boxes::Expected Boxes::expect(const ipc::Result<Segment>& segment, bool creates, bool opens,
                              OnStale on_stale, std::size_t layout, const Record& record) {
  if (!current_) return creates ? Expected{Open::makes} : Expected{Open::fails, Kind::not_found};
  if (!opens) return {Open::fails, Kind::exists};
  const bool recreates = on_stale == OnStale::recreate;
  if (!current_->is_made) {
    if (!current_->is_named) {
      // The kernel names us as its creator: alive, unless a fault says that /proc does not know us.
      if (!setting_.is_faulted) return {Open::fails, late(record)};
      return segment ? Expected{Open::makes} : Expected{Open::fails, segment.error().kind};
    }
    return recreates ? Expected{Open::makes} : Expected{Open::fails, Kind::stale};
  }
  const bool fits = current_->layout == layout || current_->layout + layout == 1;
  if (current_->has_creator)
    return fits ? Expected{Open::joins} : Expected{Open::fails, Kind::stale};
  const bool is_used = segments_.find(current_->twin)->attached > 0;
  if (!is_used && recreates) return {Open::makes};
  if (!fits || (!is_used && on_stale == OnStale::fail)) return {Open::fails, Kind::stale};
  return {Open::takes_over};
}

void Boxes::open(Client& client, const Record& record) {
  close(client, record);
  may_differ_ = true;
  const bool makes = creates(record), joins = opens(record);
  const OnStale on_stale = on_stale_of(record);
  const std::size_t layout = layout_index_of(record);
  const ipc::Deadline deadline = deadline_of(record);
  auto segment = setting_.with_fault(record, [&] {
    if (!joins) return Segment::create(setting_.key, layout_of(layout), setting_.me);
    if (!makes)
      return Segment::open(setting_.key, layout_of(layout), on_stale, setting_.me, deadline);
    return Segment::create_or_open(setting_.key, layout_of(layout), on_stale, setting_.me,
                                   deadline);
  });
  const auto expected =
      is_wild_ ? Expected{Open::joins} : expect(segment, makes, joins, on_stale, layout, record);
  if (!segment) {
    if (is_wild_) return;
    if (!setting_.is_explained) {
      if (expected.open != Open::fails)
        differ(setting_.step, "open", segment.error().describe(), "opened");
      return setting_.differs(segment.error(), expected.kind);
    }
    // The old one may have gone before the new one failed.
    if (current_ && expected.open == Open::makes && ::shmget(setting_.key, 0, 0) < 0)
      drop_current();
    return;
  }
  const int id = segment->id();
  const bool is_owner = segment->is_owner();
  client.mailbox = std::move(*Mailbox::on(std::move(*segment)));
  ids_.push_back(id);
  if (is_wild_) return;
  if (expected.open == Open::fails)
    differ(setting_.step, "open", "opened", ipc::name(expected.kind));
  same(setting_.step, "owner", static_cast<long>(is_owner),
       static_cast<long>(expected.open != Open::joins));
  if (expected.open == Open::makes) {
    if (current_) drop_current();
    current_ = std::make_shared<Box>();
    current_->id = id;
    current_->twin = static_cast<int>(
        segments_.get(setting_.key, kCapacities[layout], IPC_CREAT | IPC_EXCL).result);
    current_->layout = layout;
  }
  same(setting_.step, "id", static_cast<long>(id), static_cast<long>(current_->id));
  current_->has_creator = true;
  client.box = current_;
  segments_.attach(current_->twin);
}

void Boxes::drop_current() {
  segments_.remove(current_->twin);
  current_.reset();
}

void Boxes::close(Client& client, const Record&) {
  if (!client.mailbox) return;
  may_differ_ = true;
  const bool removes = client.mailbox->segment().is_owner();
  client.mailbox.reset();
  if (!client.box) return;
  if (removes) client.box == current_ ? drop_current() : void(segments_.remove(client.box->twin));
  segments_.detach(client.box->twin);
  client.box.reset();
}

void Boxes::remove(Client& client, const Record&) {
  if (!is_open(client)) return;
  may_differ_ = true;
  const auto removed = client.mailbox->segment().remove();
  if (is_wild_) return;
  if (!removed) differ(setting_.step, "remove", removed.error().describe(), "removed");
  const auto checked = client.mailbox->segment().check();
  if (checked) differ(setting_.step, "check", "in use", "removed");
  if (client.box == current_) drop_current();
}

// The client's process ends without a word, in the middle of something.
void Boxes::die(Client& client, const Record& record) {
  if (!is_open(client) || is_wild_) return;
  std::uint64_t* const words = words_of(client);
  Box& box = *client.box;
  switch (record.value % 5) {
    case 0:
      break;
    case 1:
    case 2: {
      const bool has_number = record.value % 5 == 2;
      if (has_number && box.mail.state() == Dead::empty) words[kTurn] = box.mail.sequence() + 1;
      if (box.mail.die_writing(has_number)) words[kMail] = ipc::pack(kDead) | 1;
      break;
    }
    case 3:
      if (box.mail.die_reading()) words[kMail] = ipc::pack(kDead) | 3;
      break;
    case 4:  // while it makes the segment: with its name in it, or before
      if (!client.mailbox->segment().is_owner() || &box != current_.get()) break;
      box.is_made = false;
      box.is_named = (record.flags & 7) != 7;
      words[kState] = 0;
      if (!box.is_named) words[kCreator] = 0;
      break;
  }
  if (client.mailbox->segment().is_owner()) {
    client.mailbox->segment().keep();
    box.has_creator = false;
    if (box.is_named) words[kCreator] = ipc::pack(kDead);
  }
  close(client, record);
}

// A peer overwrites the message in the box.
void Boxes::spoil(Client& client, const Record& record) {
  if (!is_open(client) || is_wild_ || client.box->mail.state() != Dead::full) return;
  if (client.box->is_spoilt) return;
  const std::uint64_t change = record.value >> 2 == 0 ? ~std::uint64_t{0} : record.value >> 2;
  words_of(client)[kLength + record.value % 3] ^= change;  // length, type or checksum
  client.box->is_spoilt = true;
}

// Any word, any value: from now on nothing is known but bounds.
void Boxes::scribble(Client& client, const Record& record) {
  if (!is_open(client)) return;
  is_wild_ = true;
  const std::array<std::uint64_t, 8> values = {0,
                                               ~std::uint64_t{0},
                                               1,
                                               2,
                                               ipc::pack(kDead) | (record.value & 3),
                                               ipc::pack(setting_.me) | (record.value & 3),
                                               record.value >> 8,
                                               std::uint64_t{record.value} << 32};
  const std::size_t count = kHeaderWords + kSlotWords + client.mailbox->capacity() / 8;
  words_of(client)[record.value % count] = values[record.flags % values.size()];
}

}  // namespace fuzz::shm
