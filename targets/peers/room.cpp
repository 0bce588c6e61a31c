// SPDX-License-Identifier: MIT
#include "targets/peers/room.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <utility>

#include "targets/ipc/alarm.h"
#include "targets/ipc/wait.h"

namespace peers {
namespace {

using ipc::Failure;
using ipc::Kind;
using ipc::Result;

constexpr std::uint32_t kMagic = 0x4d525750;  // "PWRM"
constexpr std::uint32_t kVersion = 1;
constexpr mode_t kMode = 0600;
constexpr off_t kDoor = 0;
constexpr off_t kFirstSeat = 1;

struct flock bytes_of(short type, off_t first, off_t count) {
  struct flock lock{};  // l_pid must be 0 for locks of an open file description (fcntl(2))
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = first;
  lock.l_len = count;
  return lock;
}

bool is_present(Room::State state) {
  return state == Room::State::here || state == Room::State::ready || state == Room::State::done;
}

}  // namespace

struct Room::Record {
  struct Seat {
    std::int64_t role = 0;
    std::int64_t pid = 0;
    std::uint64_t start_ticks = 0;
    ipc::ProcessId who() const { return {static_cast<pid_t>(pid), start_ticks}; }
  };
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t is_ending = 0;
  std::uint32_t is_making = 0;
  std::array<State, kSeats> states{};
  std::array<Seat, kSeats> seats{};
};

Result<std::optional<Room>> Room::enter(const std::string& path, long role, bool role_is_free,
                                        Session& session) {
  for (int attempt = 0; attempt < kMostAttempts; ++attempt) {
    Ending ending;
    Result<std::optional<Room>> room = try_enter(path, role, role_is_free, ending);
    if (!room || *room) return room;
    if (!ending.events) continue;  // the file was removed meanwhile: the next one
    std::vector<pollfd> entries{{session.fd(), POLLIN, 0}, {ending.events.get(), POLLIN, 0}};
    for (const ipc::Peer& peer : ending.peers) entries.push_back({peer.fd(), POLLIN, 0});
    if (const auto woken = ipc::wait_any(entries, ipc::Deadline::never()); !woken)
      return Failure(woken.error());
    const auto signal = session.next_signal();
    if (!signal) return Failure(signal.error());
    if (*signal && (*signal)->number != SIGUSR1) return std::nullopt;
  }
  return ipc::fail(Kind::stale, 0, "enter", {}, path + ": others keep making and removing it");
}

// Nothing: try again, after `ending` has something to read if it is set.
Result<std::optional<Room>> Room::try_enter(const std::string& path, long role, bool role_is_free,
                                            Ending& ending) {
  // O_NONBLOCK: a FIFO under the name must not hold us; it changes nothing for a file (open(2)).
  ipc::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, kMode));
  if (!file) return ipc::fail("open", {}, path);
  Room room(path, std::move(file));
  if (const auto kind = room.check_kind(); !kind) return Failure(kind.error());
  if (const auto watched = room.watch(); !watched) return Failure(watched.error());
  if (const auto closed = room.close_door(); !closed) return Failure(closed.error());
  const Result<bool> current = room.is_current();
  if (!current) return Failure(current.error());
  if (!*current) return std::nullopt;
  const Result<Record> record = room.read();
  if (!record) return Failure(record.error());
  const Result<bool> others = room.is_held(0, kSeats);
  if (!others) return Failure(others.error());
  room.is_first_ = !*others;
  if (*others && record->is_ending != 0) {
    for (int seat = 0; seat < kSeats; ++seat)
      if (auto peer = ipc::Peer::verify(record->seats[seat].who()); peer)
        ending.peers.push_back(std::move(*peer));
    ending.events = std::move(room.events_);
    return std::nullopt;
  }
  Result<> seated = room.is_first_ ? room.begin(*record) : Result<>{};
  if (seated) seated = room.sit(*record, role, role_is_free);
  if (seated) return room;
  if (room.is_first_) ::unlink(path.c_str());
  return Failure(seated.error());
}

Result<> Room::check_kind() const {
  struct stat status{};
  if (::fstat(file_.get(), &status) != 0) return ipc::fail("fstat", {}, path_);
  if (!S_ISREG(status.st_mode))
    return ipc::fail(Kind::wrong_type, 0, "enter", {}, path_ + ": is no file");
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return ipc::fail(Kind::permission, 0, "enter", {}, path_ + ": others may write to it");
  return {};
}

Result<> Room::watch() {
  events_ = ipc::Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!events_) return ipc::fail("inotify_init1");
  const std::string link = "/proc/self/fd/" + std::to_string(file_.get());
  if (::inotify_add_watch(events_.get(), link.c_str(), IN_MODIFY | IN_ATTRIB) < 0)
    return ipc::fail("inotify_add_watch", {}, path_);
  return {};
}

Result<> Room::close_door() {
  const auto deadline = ipc::Deadline::after(std::chrono::milliseconds(kDoorLimit_ms));
  const auto alarm = ipc::Alarm::arm(deadline);
  if (!alarm) return Failure(alarm.error());
  struct flock lock = bytes_of(F_WRLCK, kDoor, 1);
  // All signals of ours are blocked: EINTR is the alarm, or a debugger's stop.
  while (::fcntl(file_.get(), F_OFD_SETLKW, &lock) != 0) {
    if (errno != EINTR) return ipc::fail("fcntl", {}, path_);
    if (deadline.expired())
      return ipc::fail(Kind::timed_out, 0, "enter", {},
                       path_ + ": a peer that comes or goes does not get on (is it stopped?)");
  }
  return {};
}

Result<> Room::open_door() {
  struct flock lock = bytes_of(F_UNLCK, kDoor, 1);
  if (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) return ipc::fail("fcntl", {}, path_);
  return {};
}

Result<bool> Room::is_current() const {
  struct stat named{};
  struct stat held{};
  if (::fstat(file_.get(), &held) != 0) return ipc::fail("fstat", {}, path_);
  if (::lstat(path_.c_str(), &named) != 0) {
    if (errno == ENOENT) return false;
    return ipc::fail("lstat", {}, path_);
  }
  return named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

Result<bool> Room::is_held(int first_seat, int count) const {
  struct flock lock = bytes_of(F_WRLCK, kFirstSeat + first_seat, count);
  if (::fcntl(file_.get(), F_OFD_GETLK, &lock) != 0) return ipc::fail("fcntl", {}, path_);
  return lock.l_type != F_UNLCK;
}

Result<Room::Record> Room::read() const {
  Record record;
  const ssize_t count = ::pread(file_.get(), &record, sizeof record, 0);
  if (count < 0) return ipc::fail("pread", {}, path_);
  if (count == 0) return Record{};  // its maker was killed before it wrote
  if (count != sizeof record || record.magic != kMagic || record.version != kVersion)
    return ipc::fail(Kind::corrupt, 0, "enter", {}, path_ + ": is no session file of peer");
  return record;
}

Result<> Room::store(std::size_t at, const void* bytes, std::size_t size) {
  const ssize_t count = ::pwrite(file_.get(), bytes, size, static_cast<off_t>(at));
  if (count < 0) return ipc::fail("pwrite", {}, path_);
  if (static_cast<std::size_t>(count) != size)
    return ipc::fail(Kind::no_space, 0, "pwrite", {}, path_);
  return {};
}

// What the dead have left is forgotten, but for the object that they were making.
Result<> Room::begin(const Record& found) {
  Record record;
  record.is_making = found.is_making;
  was_making_ = found.is_making != 0;
  return store(0, &record, sizeof record);
}

Result<> Room::sit(const Record& record, long role, bool role_is_free) {
  const Result<ipc::ProcessId> me = ipc::self();
  if (!me) return Failure(me.error());
  me_ = *me;
  for (int seat = 0; seat < kSeats; ++seat) {
    const Result<bool> held = is_held(seat, 1);
    if (!held) return Failure(held.error());
    if (!*held && seat_ < 0) seat_ = seat;
    if (*held && !role_is_free && record.seats[seat].role == role)
      return ipc::fail(Kind::exists, 0, "enter", {{{"pid", record.seats[seat].pid}}},
                       path_ + ": another peer has this part in the session");
  }
  if (seat_ < 0)
    return ipc::fail(Kind::exists, 0, "enter", {{{"seats", kSeats}}}, path_ + ": no seat is free");
  struct flock lock = bytes_of(F_WRLCK, kFirstSeat + seat_, 1);
  if (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) return ipc::fail("fcntl", {}, path_);
  const Record::Seat mine{.role = role, .pid = me_.pid, .start_ticks = me_.start_ticks};
  const auto stored = store(offsetof(Record, seats) + seat_ * sizeof mine, &mine, sizeof mine);
  if (!stored) return stored;
  return set_state(State::here);
}

Result<> Room::set_state(State state) {
  return store(offsetof(Record, states) + seat_ * sizeof state, &state, sizeof state);
}

// With the door held: who comes is seated before that, or sees it.
Result<> Room::end_session() {
  constexpr std::uint32_t kYes = 1;
  if (const Result<> closed = close_door(); !closed) return closed;
  const Result<> stored = store(offsetof(Record, is_ending), &kYes, sizeof kYes);
  const Result<> opened = open_door();
  return stored ? opened : stored;
}

Result<> Room::set_making(bool is_making) {
  const std::uint32_t stored = is_making ? 1 : 0;
  return store(offsetof(Record, is_making), &stored, sizeof stored);
}

std::vector<int> Room::fds() const {
  std::vector<int> result{events_.get()};
  for (const ipc::Peer& peer : known_) result.push_back(peer.fd());
  return result;
}

// Asked only for a seat whose state says present.
Result<bool> Room::has_died(int seat, const Record& record) {
  const ipc::ProcessId who = record.seats[seat].who();
  const auto known = std::ranges::find(known_, who, &ipc::Peer::id);
  if (known == known_.end()) {
    auto peer = ipc::Peer::verify(who);
    if (peer) {
      known_.push_back(std::move(*peer));
      return false;
    }
    if (peer.error().kind != Kind::peer_gone && peer.error().kind != Kind::stale)
      return Failure(peer.error());
  } else if (known->alive()) {
    return false;
  } else {
    known_.erase(known);
  }
  // It may have said goodbye between our look at its state and its end.
  const Result<Record> now = read();
  if (!now) return Failure(now.error());
  return now->states[seat] != State::left && now->seats[seat].who() == who;
}

Result<Room::View> Room::look() {
  std::array<char, 4096> events;
  // What does not fit is read after the next look. Cannot sleep, so EINTR cannot come (signal(7)).
  if (::read(events_.get(), events.data(), events.size()) < 0 && errno != EAGAIN)
    return ipc::fail("read", {}, path_);
  // A peer stores who it is before its state: so read the state before who it is.
  const Result<Record> first = read();
  if (!first) return Failure(first.error());
  const Result<Record> record = read();
  if (!record) return Failure(record.error());
  View view;
  view.is_ending = record->is_ending != 0;
  for (int seat = 0; seat < kSeats; ++seat) {
    const ipc::ProcessId who = record->seats[seat].who();
    const State state = first->states[seat];
    if (seat == seat_ || !is_present(state) || std::ranges::find(buried_, who) != buried_.end())
      continue;
    const Other other{.seat = seat, .role = record->seats[seat].role, .state = state, .who = who};
    const Result<bool> died = has_died(seat, *record);
    if (!died) return Failure(died.error());
    const bool is_known = std::ranges::find(known_, who, &ipc::Peer::id) != known_.end();
    if (is_known) view.others.push_back(other);
    if (!*died) continue;
    buried_.push_back(who);
    view.dead.push_back(other);
  }
  // The pidfd of one that has left would be readable for ever.
  std::erase_if(known_, [&](const ipc::Peer& peer) {
    return std::ranges::find(view.others, peer.id(), &Other::who) == view.others.end();
  });
  return view;
}

Result<> Room::await_others_end() {
  const auto deadline = ipc::Deadline::after(std::chrono::milliseconds(kDyingLimit_ms));
  while (true) {
    const Result<View> view = look();
    if (!view) return Failure(view.error());
    if (view->others.empty()) return {};
    std::vector<pollfd> entries;
    for (const int fd : fds()) entries.push_back({fd, POLLIN, 0});
    const auto woken = ipc::wait_any(entries, deadline);
    if (!woken && woken.error().kind == Kind::timed_out) return {};
    if (!woken) return Failure(woken.error());
  }
}

Result<> Room::leave(const std::function<void()>& clear) {
  Result<> result = close_door();
  const Result<bool> others = is_held(0, kSeats);
  if (result && others && !*others) {
    clear();
    const Result<bool> current = is_current();
    if (current && *current && ::unlink(path_.c_str()) != 0)
      result = ipc::fail("unlink", {}, path_);
  } else if (const auto said = set_state(State::left); !said && result) {
    result = said;
  }
  file_.close();  // and with it seat and door
  return result;
}

Result<> attend(const std::string& path, long role, bool role_is_free, Session& session,
                const std::function<Result<>(Room&)>& body, const std::function<void()>& clear) {
  Result<std::optional<Room>> room = Room::enter(path, role, role_is_free, session);
  if (!room) return Failure(room.error());
  if (!*room) return {};
  const Result<> done = body(**room);
  if (!done && done.error().kind == Kind::peer_gone)
    if (const auto ended = (*room)->await_others_end(); !ended) note(ended.error().describe());
  const Result<> left = (*room)->leave(clear);
  return done ? left : done;
}

}  // namespace peers
