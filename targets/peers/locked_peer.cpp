// Any number of processes add to a record in shared memory under a semaphore, and print what they
// made of it: no number is printed twice and none is missing. A holder that is killed gives the
// lock back (SEM_UNDO), and the next one mends the record. Must not touch it without the lock.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "targets/ipc/segment.h"
#include "targets/ipc/semaphore.h"
#include "targets/ipc/wait.h"
#include "targets/peers/behaviours.h"
#include "targets/peers/room.h"
#include "targets/peers/source.h"
#include "targets/peers/sysv_object.h"

namespace peers {
namespace {

using ipc::Deadline;
using ipc::Failure;
using ipc::Kind;
using ipc::Result;

constexpr ObjectFile kRecordFile{Object::segment, "recordfile", 'c'};
constexpr ObjectFile kLockFile{Object::semaphore, "lockfile", 'd'};
constexpr std::chrono::milliseconds kMakerLimit(10000);
// A wait for the lock is that long before signals and the room are looked at again.
constexpr std::chrono::milliseconds kLockSlice(200);
constexpr std::chrono::milliseconds kOutputLimit(10000);

// Under the lock `sum` is count + last, unless a holder died in between.
struct Record {
  std::int64_t before = 0;  // of the count, while changing
  std::int64_t count = 0;
  std::int64_t last = 0;  // who added, by PID
  std::int64_t sum = 0;
};
constexpr ipc::Segment::Layout kLayout{.size = sizeof(Record), .version = 1};

template <class Made>
Result<Made> made_under(Room& room, const ObjectFile& name, auto create, auto open) {
  Result<ipc::KeyFile> file = name.open();
  if (!file) return Failure(file.error());
  if (room.is_first()) {
    if (auto cleared = name.clear_left(*file, room.was_making()); !cleared)
      return Failure(cleared.error());
    if (auto said = room.set_making(true); !said) return Failure(said.error());
  }
  Result<Made> made = room.is_first() ? create(file->key()) : open(file->key());
  if (!made) return made;
  made->keep();  // the last one removes it
  if (auto known = room.is_first() ? file->record(made->id()) : file->check(made->id()); !known)
    return Failure(known.error());
  return made;
}

class Adder {
 public:
  Adder(const Options& options, Session& session, Room& room, ipc::Segment segment,
        ipc::Semaphore lock)
      : session_(session),
        room_(room),
        segment_(std::move(segment)),
        lock_(std::move(lock)),
        left_(options.number("count") == 0 ? -1 : options.number("count")),
        interval_ms_(options.number("interval_ms")),
        peers_(static_cast<std::size_t>(options.number("peers"))) {}

  // Adds until it has made its count or somebody ends the session; then waits for the others.
  Result<> run() {
    while (true) {
      if (const auto looked = look(); !looked) return looked;
      if (is_ending_ || (left_ == 0 && is_last_)) break;
      if (has_begun_ && left_ != 0 && due_.expired()) {
        if (const auto added = add(); !added) return added;
        continue;
      }
      if (const auto waited = wait(); !waited) return waited;
    }
    return finish();
  }

 private:
  // volatile: the next holder must find the stores in their order, wherever this one was killed.
  volatile Record& record() { return *reinterpret_cast<volatile Record*>(segment_.bytes().data()); }

  Result<> look() {
    const auto printed = printer_.pump();
    if (!printed) is_ending_ = true;
    const auto signal = session_.next_signal();
    if (!signal) return Failure(signal.error());
    const auto filled = input_.fill();
    if (!filled) return Failure(filled.error());
    const bool is_signalled = *signal && (*signal)->number != SIGUSR1;
    if (is_signalled || input_.is_over() || !printed)
      if (const auto told = room_.end_session(); !told) return told;
    const auto view = room_.look();
    if (!view) return Failure(view.error());
    for (const Room::Other& dead : view->dead)
      note("process " + std::to_string(dead.who.pid) + " has died; its part is left out");
    is_ending_ = is_ending_ || view->is_ending;
    most_met_ = std::max(most_met_, view->others.size() + 1);
    has_begun_ = has_begun_ || most_met_ >= peers_;
    is_last_ = true;
    for (const Room::Other& other : view->others)
      is_last_ = is_last_ && (peers_ == 1 || other.state == Room::State::done);
    if (!printed) return Failure(printed.error());
    return {};
  }

  Result<> add() {
    const auto held = lock_.guard(Deadline::after(kLockSlice));
    if (!held && held.error().kind == Kind::timed_out) return {};
    if (!held) return Failure(held.error());
    volatile Record& shared = record();
    if (shared.sum != shared.count + shared.last) {
      note("a process died inside: the record is mended");
      shared.count = shared.before;
    }
    shared.before = shared.count;
    shared.sum = -1;
    shared.last = ::getpid();
    shared.count = shared.before + 1;
    shared.sum = shared.count + shared.last;
    printer_.say("counter=" + std::to_string(shared.count));
    if (left_ > 0) --left_;
    due_ = interval_ms_ == 0 ? Deadline::now()
                             : Deadline::after(std::chrono::milliseconds(interval_ms_));
    return left_ == 0 ? room_.set_state(Room::State::done) : Result<>{};
  }

  Result<> wait() {
    std::vector<pollfd> entries{{session_.fd(), POLLIN, 0}, {input_.fd(), POLLIN, 0}};
    for (const int fd : room_.fds()) entries.push_back({fd, POLLIN, 0});
    if (!printer_.is_empty()) entries.push_back({STDOUT_FILENO, POLLOUT, 0});
    const auto woken = ipc::wait_any(entries, has_begun_ && left_ != 0 ? due_ : Deadline::never());
    const bool is_due = !woken && (woken.error().kind == Kind::timed_out ||
                                   woken.error().kind == Kind::would_block);
    if (!woken && !is_due) return Failure(woken.error());
    return {};
  }

  Result<> finish() {
    if (const auto held = lock_.guard(Deadline::after(kOutputLimit)); held)
      printer_.say("total=" + std::to_string(record().count));
    const auto limit = Deadline::after(kOutputLimit);
    while (!printer_.is_empty()) {
      if (const auto printed = printer_.pump(); !printed) return Failure(printed.error());
      pollfd entry{STDOUT_FILENO, POLLOUT, 0};
      if (printer_.is_empty()) break;
      if (const auto ready = ipc::wait_any({&entry, 1}, limit); !ready)
        return Failure(ready.error());
    }
    return {};
  }

  Session& session_;
  Room& room_;
  ipc::Segment segment_;
  ipc::Semaphore lock_;
  Printer printer_;
  NoLines input_;
  long left_;  // additions to make; -1: for ever
  long interval_ms_;
  std::size_t peers_;
  std::size_t most_met_ = 0;
  Deadline due_ = Deadline::now();
  bool has_begun_ = false;
  bool is_ending_ = false;
  bool is_last_ = false;  // all others have made their count
};

Result<> add_in(Room& room, const Options& options, Session& session) {
  const Result<ipc::ProcessId> me = ipc::self();
  if (!me) return Failure(me.error());
  auto segment = made_under<ipc::Segment>(
      room, kRecordFile, [&](key_t key) { return ipc::Segment::create(key, kLayout, *me); },
      [&](key_t key) {
        return ipc::Segment::open(key, kLayout, ipc::Segment::OnStale::fail, *me,
                                  Deadline::after(kMakerLimit));
      });
  if (!segment) return Failure(segment.error());
  auto lock = made_under<ipc::Semaphore>(
      room, kLockFile, [&](key_t key) { return ipc::Semaphore::create(key, *me); },
      [&](key_t key) { return ipc::Semaphore::open(key, *me); });
  if (!lock) return Failure(lock.error());
  if (room.is_first())
    if (const auto said = room.set_making(false); !said) return said;
  if (const auto opened = room.open_door(); !opened) return opened;
  return Adder(options, session, room, std::move(*segment), std::move(*lock)).run();
}

}  // namespace

Result<> shm_locked(const Options& options, Session& session) {
  return attend(
      "shm-locked.room", 0, true, session,
      [&](Room& room) { return add_in(room, options, session); },
      [] {
        kRecordFile.remove();
        kLockFile.remove();
      });
}

}  // namespace peers
