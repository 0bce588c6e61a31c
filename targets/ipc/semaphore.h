// A System V semaphore as a lock between processes. 0 is free and 1 is held, so a new set, which is
// all zeros (semget(2)), is a free lock: nothing has to be initialised and nobody can come between
// semget and semctl. SEM_UNDO gives the lock back when its holder dies. For mutual exclusion only:
// it counts nothing. Not for threads of one process: SEM_UNDO belongs to the process.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/on_signal.h"
#include "targets/ipc/process.h"

namespace ipc {

class Semaphore {
 public:
  class Guard;

  // A new one, mode 0600; key may be IPC_PRIVATE. Kind::exists, no_space, ...
  static Result<Semaphore> create(key_t key, ProcessId me);
  // Kind::not_found, permission (another user's, or others may write), wrong_type (another number
  // of semaphores).
  static Result<Semaphore> open(key_t key, ProcessId me);
  static Result<Semaphore> create_or_open(key_t key, ProcessId me);

  Semaphore(Semaphore&& other) noexcept;
  Semaphore& operator=(Semaphore&& other) noexcept;
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  // Unlocks if held by this handle; removes the set if this handle made it.
  ~Semaphore();

  // EINTR comes from any handler, SA_RESTART or not, and from SIGSTOP with SIGCONT without any
  // (signal(7)). Errors: would_block, timed_out, interrupted (report only), removed, no_space (undo
  // structures), bad_argument (this handle holds it, or was inherited through fork()), stale (its
  // holder died without SEM_UNDO, so it was a foreign program: see free_stale()).
  Result<> lock(Deadline deadline, OnSignal on_signal = OnSignal::retry);
  Result<> try_lock() { return lock(Deadline::now()); }
  // Errors: bad_argument unless this handle holds it, in this process; removed; corrupt (others
  // have freed it meanwhile).
  Result<> unlock();
  // lock() for a scope.
  Result<Guard> guard(Deadline deadline, OnSignal on_signal = OnSignal::retry);
  // Frees a lock whose holder died without SEM_UNDO. Kind::not_found: it is not stale (any more).
  Result<> free_stale(Deadline deadline);

  bool is_held() const { return is_held_; }
  int id() const { return id_; }
  Result<> remove();
  // Leaves it in the kernel when this handle ends.
  void keep() { is_owner_ = false; }

 private:
  Semaphore(int id, ProcessId me, bool is_owner) : id_(id), me_(me), is_owner_(is_owner) {}
  Result<bool> take(unsigned short number, Deadline deadline, OnSignal on_signal);
  Result<bool> is_stale() const;
  Result<int> ask(unsigned short number, int command) const;
  Failure failed(const char* call, int error_number) const;
  bool is_inherited() const;
  void end();

  int id_ = -1;
  ProcessId me_;
  bool is_owner_ = false;
  bool is_held_ = false;
};

// Holds the lock of a Semaphore, which must outlive it and stay where it is.
class Semaphore::Guard {
 public:
  Guard(Guard&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
  Guard& operator=(Guard&&) = delete;
  // Removed meanwhile: nobody is left to be locked out.
  ~Guard() {
    if (semaphore_ != nullptr) static_cast<void>(semaphore_->unlock());
  }

 private:
  friend class Semaphore;
  explicit Guard(Semaphore& semaphore) : semaphore_(&semaphore) {}

  Semaphore* semaphore_;
};

}  // namespace ipc
