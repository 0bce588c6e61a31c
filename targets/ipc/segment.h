// A System V shared memory segment: made, found, judged and removed. What the bytes mean is the
// user's business (see mailbox); any process with the segment may change any of them at any time.
// Peers must share a PID namespace: who is alive is asked by PID and start time.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/process.h"

struct shmid_ds;

namespace ipc {

class Segment {
 public:
  // What to do with a segment left by a dead run: creator dead, nobody attached. One whose creator
  // died before it was ready cannot be reused.
  enum class OnStale : std::uint8_t {
    fail,      // Kind::stale
    reuse,     // take it over with its bytes
    recreate,  // remove it and make a new one
  };
  // Both sides must ask for the same; another is refused on open.
  struct Layout {
    std::size_t size = 0;       // bytes for the user, 1 .. kMostBytes
    std::uint32_t version = 0;  // of what the user puts there
  };
  static constexpr std::size_t kMostBytes = std::size_t{1} << 30;

  // Of the calls here none sleeps in the kernel, so none is interrupted (signal(7)); only waiting
  // for a creator that is still writing the header does, and it takes EINTR for a wake-up.
  // `me` is ipc::self(); a handle is of no use behind fork() but for being destroyed.

  // A new one, zero-filled, mode 0600; key may be IPC_PRIVATE. Kind::exists, no_space, ...
  static Result<Segment> create(key_t key, Layout layout, ProcessId me);
  // The one under the key. Kind::not_found, permission (another user's, or writable by others),
  // corrupt (not a segment of this library), stale (left by a dead run; another size or version; or
  // its creator died before it was ready), would_block or timed_out (its creator is still at it).
  static Result<Segment> open(key_t key, Layout layout, OnStale stale, ProcessId me,
                              Deadline deadline);
  // The same, or a new one where there is none.
  static Result<Segment> create_or_open(key_t key, Layout layout, OnStale stale, ProcessId me,
                                        Deadline deadline);

  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  // Detaches, and removes the segment if this handle made it or took it over.
  ~Segment();

  std::span<std::byte> bytes() const;
  int id() const { return id_; }
  ProcessId me() const { return me_; }
  bool is_owner() const { return is_owner_; }
  // Kind::removed once it is marked for removal: it works until the last detach, but whoever opens
  // the key now gets another one (shmctl(2), SHM_DEST).
  Result<> check() const;
  Result<> remove();
  // Leaves it in the kernel when this handle ends.
  void keep() { is_owner_ = false; }

 private:
  struct Header;
  struct Search;
  enum class Found : std::uint8_t { joined, look_again, removed };

  Segment(int id, ProcessId me) : id_(id), me_(me) {}
  static Result<Segment> find(const Search& search, bool creates);
  Result<> attach(std::size_t size);
  Result<Found> join(const Search& search);
  Result<Found> await_ready(const Search& search, const shmid_ds& status);
  Result<Found> judge(const Search& search, const shmid_ds& status);
  Result<Found> judge_orphan(const Search& search, std::uint64_t creator, bool is_used,
                             const char* misfit);
  Result<Found> recreate(std::uint64_t creator);
  bool take_over(std::uint64_t creator);
  bool is_dead(std::uint64_t creator) const;
  Header& header() const { return *static_cast<Header*>(base_); }
  void end();

  int id_ = -1;
  void* base_ = nullptr;
  std::size_t size_ = 0;  // of bytes(); never read from the segment
  ProcessId me_;
  bool is_owner_ = false;
};

}  // namespace ipc
