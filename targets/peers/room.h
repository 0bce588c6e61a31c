// Who takes part in a session, told by a file in the working directory: every peer holds a lock on
// a seat in it, so the kernel says who lives; whoever finds all seats free clears away what a dead
// session left, and whoever leaves last removes the file. Must not know what the session is about.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/handshake.h"
#include "targets/ipc/process.h"
#include "targets/peers/session.h"

namespace peers {

// The file: a Record. Locks are of the open file description (fcntl(2), F_OFD_SETLK): byte 0 is the
// door, held by one peer at a time while it comes or goes; byte 1+i is seat i, held for life.
// inotify(7) on the file says "look again" after each store, a pidfd says that a peer has ended.
class Room {
 public:
  static constexpr int kSeats = 16;
  static constexpr int kMostAttempts = 64;  // at a file that others keep removing
  static constexpr long kDyingLimit_ms = 2000;
  static constexpr long kDoorLimit_ms = 10000;  // a peer that comes or goes is quick, or stopped

  enum class State : std::uint32_t { none, here, ready, done, left };

  struct Other {
    int seat = 0;
    long role = 0;
    State state = State::none;
    ipc::ProcessId who;
  };
  struct View {
    bool is_ending = false;     // somebody said that the session ends
    std::vector<Other> others;  // those who live, whatever their state
    std::vector<Other> dead;    // ended without a goodbye, each told once
  };

  // Comes in, with the door held: open_door() once the session's objects are there. A session that
  // is ending is waited for; nothing when a signal came meanwhile. `role_is_free`: others may have
  // the same role. Errors: exists (the role is taken, or all seats are), wrong_type or corrupt (the
  // file is no room), permission, timed_out (the door).
  static ipc::Result<std::optional<Room>> enter(const std::string& path, long role,
                                                bool role_is_free, Session& session);
  ipc::Result<> open_door();

  // Nobody else is in: what is found of the session's objects was left by the dead.
  bool is_first() const { return is_first_; }
  // A maker of a System V object says so before and after: between the two nobody knows its id.
  ipc::Result<> set_making(bool is_making);
  // The dead session's maker was killed in between.
  bool was_making() const { return was_making_; }

  // fds to wait for; when any is readable, look() again.
  std::vector<int> fds() const;
  ipc::Result<View> look();
  ipc::Result<> set_state(State state);
  ipc::Result<> end_session();

  // For one whose transport has ended without a goodbye: a dying process closes its ends one by one,
  // so its lock may outlive the stream by a moment. Waits for a limited time.
  ipc::Result<> await_others_end();

  // Goes. The last one removes the session's objects by `clear`, then the file.
  ipc::Result<> leave(const std::function<void()>& clear);

  int seat() const { return seat_; }

 private:
  struct Record;
  struct Ending {
    ipc::Fd events;
    std::vector<ipc::Peer> peers;
  };

  Room(std::string path, ipc::Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  static ipc::Result<std::optional<Room>> try_enter(const std::string& path, long role,
                                                    bool role_is_free, Ending& ending);
  ipc::Result<> check_kind() const;
  ipc::Result<> close_door();
  ipc::Result<bool> is_current() const;
  ipc::Result<> sit(const Record& record, long role, bool role_is_free);
  ipc::Result<> begin(const Record& found);
  ipc::Result<bool> is_held(int first_seat, int count) const;
  ipc::Result<Record> read() const;
  ipc::Result<> watch();
  ipc::Result<bool> has_died(int seat, const Record& record);
  ipc::Result<> store(std::size_t at, const void* bytes, std::size_t size);

  std::string path_;
  ipc::Fd file_;
  ipc::Fd events_;
  ipc::ProcessId me_;
  int seat_ = -1;
  bool is_first_ = false;
  bool was_making_ = false;
  std::vector<ipc::Peer> known_;
  std::vector<ipc::ProcessId> buried_;
};

// A session from coming in to leaving. `body` makes or opens the session's objects, opens the door
// and talks; `clear` removes them, by the last one. Success too when a signal came before.
ipc::Result<> attend(const std::string& path, long role, bool role_is_free, Session& session,
                     const std::function<ipc::Result<>(Room&)>& body,
                     const std::function<void()>& clear);

}  // namespace peers
