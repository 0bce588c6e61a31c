// SPDX-License-Identifier: MIT
#include "targets/ipc/semaphore.h"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "targets/ipc/shared_word.h"
#include "targets/ipc/sysv_owner.h"

namespace ipc {
namespace {

// The set: the lock, and one that those hold who free a stale lock, so that no two of them do.
constexpr unsigned short kLock = 0;
constexpr unsigned short kFreeing = 1;
constexpr unsigned short kMembers = 2;

// How often a set may vanish between finding and making it before create_or_open() gives up.
constexpr int kMostTries = 16;

bool is_gone(int error_number) { return error_number == EINVAL || error_number == EIDRM; }

Failure misuse(const char* call, int id, const char* why) {
  return fail(Kind::bad_argument, 0, call, {{{"semid", id}}}, why);
}

bool is_dead(pid_t pid) {
  const auto process = identify(pid);
  return process ? !is_alive(*process) : process.error().kind == Kind::peer_gone;
}

constexpr const char* kInherited =
    "this process inherited the semaphore; open it again behind fork()";

}  // namespace

Result<Semaphore> Semaphore::create(key_t key, ProcessId me) {
  const int id = ::semget(key, kMembers, IPC_CREAT | IPC_EXCL | 0600);
  if (id < 0) return fail("semget", {{{"key", key}}});
  return Semaphore(id, me, true);
}

Result<Semaphore> Semaphore::open(key_t key, ProcessId me) {
  if (key == IPC_PRIVATE)
    return fail(Kind::bad_argument, 0, "open_semaphore", {{{"key", key}}},
                "a private set has no key to find it by");
  // 0 members finds a set of any size, which is then judged (semget(2)).
  const int id = ::semget(key, 0, 0);
  if (id < 0) return fail("semget", {{{"key", key}}});
  Semaphore semaphore(id, me, false);
  semid_ds status{};
  if (::semctl(id, 0, IPC_STAT, &status) != 0) return semaphore.failed("semctl", errno);
  if (const auto ours = only_ours(status.sem_perm, "open_semaphore", id); !ours)
    return std::unexpected(ours.error());
  if (status.sem_nsems != kMembers)
    return fail(Kind::wrong_type, 0, "open_semaphore",
                {{{"semid", id}, {"members", static_cast<long>(status.sem_nsems)}}},
                "not a lock of this library");
  return semaphore;
}

Result<Semaphore> Semaphore::create_or_open(key_t key, ProcessId me) {
  for (int tries = 0; tries < kMostTries; ++tries) {
    auto created = create(key, me);
    if (created || created.error().kind != Kind::exists) return created;
    auto opened = open(key, me);
    if (opened) return opened;
    const Kind kind = opened.error().kind;
    if (kind != Kind::not_found && kind != Kind::removed) return opened;
  }
  return fail(Kind::would_block, 0, "open_semaphore", {{{"key", key}}},
              "it is made and removed again and again");
}

Result<> Semaphore::lock(Deadline deadline, OnSignal on_signal) {
  if (is_inherited()) return misuse("lock", id_, kInherited);
  if (is_held_) return misuse("lock", id_, "this handle holds it already");
  const auto taken = take(kLock, deadline, on_signal);
  if (!taken) return std::unexpected(taken.error());
  is_held_ = true;
  return {};
}

// Waits for zero and adds one, as one step of the kernel's (semop(2)).
Result<bool> Semaphore::take(unsigned short number, Deadline deadline, OnSignal on_signal) {
  const short flags = deadline.is_now() ? IPC_NOWAIT : 0;
  std::array<sembuf, 2> steps{
      {{.sem_num = number, .sem_op = 0, .sem_flg = flags},
       {.sem_num = number, .sem_op = 1, .sem_flg = static_cast<short>(flags | SEM_UNDO)}}};
  for (;;) {  // until the deadline
    // A holder that dies without SEM_UNDO wakes nobody: look after it now and then.
    const timespec slice = slice_of(deadline);
    if (::semtimedop(id_, steps.data(), steps.size(), deadline.is_now() ? nullptr : &slice) == 0)
      return true;
    const int number_of_error = errno;
    if (number_of_error == EINTR && on_signal == OnSignal::report)
      return failed("semtimedop", EINTR);
    if (number_of_error != EINTR && number_of_error != EAGAIN)
      return failed("semtimedop", number_of_error);
    if (number_of_error == EAGAIN && number == kLock) {
      const auto stale = is_stale();
      if (!stale) return stale;
      if (*stale)
        return fail(Kind::stale, 0, "lock", {{{"semid", id_}}}, "its holder died without SEM_UNDO");
    }
    if (deadline.expired())
      return fail(deadline.is_now() ? Kind::would_block : Kind::timed_out, EAGAIN, "semtimedop",
                  {{{"semid", id_}}}, "somebody else holds it");
  }
}

Result<> Semaphore::unlock() {
  if (is_inherited()) return misuse("unlock", id_, kInherited);
  if (!is_held_) return misuse("unlock", id_, "this handle does not hold it");
  // IPC_NOWAIT: a value that is 0 already means that others have meddled; and it cannot be
  // interrupted.
  sembuf step{.sem_num = kLock, .sem_op = -1, .sem_flg = IPC_NOWAIT | SEM_UNDO};
  if (::semop(id_, &step, 1) != 0) {
    const int number = errno;
    // What is not there any more is not held; after any other failure the caller may try again.
    if (is_gone(number) || number == EAGAIN) is_held_ = false;
    if (number == EAGAIN)
      return fail(Kind::corrupt, number, "semop", {{{"semid", id_}}}, "others have freed it");
    return failed("semop", number);
  }
  is_held_ = false;
  return {};
}

Result<Semaphore::Guard> Semaphore::guard(Deadline deadline, OnSignal on_signal) {
  if (const auto locked = lock(deadline, on_signal); !locked)
    return std::unexpected(locked.error());
  return Guard(*this);
}

Result<> Semaphore::free_stale(Deadline deadline) {
  if (is_inherited()) return misuse("free_stale", id_, kInherited);
  if (const auto alone = take(kFreeing, deadline, OnSignal::retry); !alone)
    return std::unexpected(alone.error());
  const auto stale = is_stale();
  const bool frees = stale && *stale;
  // Both in one step; the dead holder's one has no undo entry, so taking it off must have none.
  std::array<sembuf, 2> steps{
      {{.sem_num = kFreeing, .sem_op = -1, .sem_flg = IPC_NOWAIT | SEM_UNDO},
       {.sem_num = kLock, .sem_op = -1, .sem_flg = IPC_NOWAIT}}};
  if (::semop(id_, steps.data(), frees ? 2 : 1) != 0) return failed("semop", errno);
  if (!stale) return std::unexpected(stale.error());
  if (!frees)
    return fail(Kind::not_found, 0, "free_stale", {{{"semid", id_}}}, "its holder is not dead");
  return {};
}

// Held, and the process that did it is dead. SEM_UNDO acts before a process can be found dead
// (exit), so this one had none. The PID is asked twice: only if it stays the same does the value
// between belong to it.
Result<bool> Semaphore::is_stale() const {
  const auto before = ask(kLock, GETPID);
  if (!before) return std::unexpected(before.error());
  if (*before == 0 || *before == me_.pid || !is_dead(*before)) return false;
  const auto value = ask(kLock, GETVAL);
  if (!value) return std::unexpected(value.error());
  const auto after = ask(kLock, GETPID);
  if (!after) return std::unexpected(after.error());
  return *value > 0 && *after == *before;
}

Result<int> Semaphore::ask(unsigned short number, int command) const {
  const int answer = ::semctl(id_, number, command);
  if (answer < 0) return failed("semctl", errno);
  return answer;
}

Result<> Semaphore::remove() {
  is_owner_ = false;
  is_held_ = false;
  if (::semctl(id_, 0, IPC_RMID) != 0) return failed("semctl", errno);
  return {};
}

// EINVAL: the id was valid once, so the set has been removed since (semop(2)).
Failure Semaphore::failed(const char* call, int error_number) const {
  return fail(is_gone(error_number) ? Kind::removed : kind_of(error_number), error_number, call,
              {{{"semid", id_}}});
}

bool Semaphore::is_inherited() const { return ::getpid() != me_.pid; }

Semaphore::Semaphore(Semaphore&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      me_(other.me_),
      is_owner_(std::exchange(other.is_owner_, false)),
      is_held_(std::exchange(other.is_held_, false)) {}

Semaphore& Semaphore::operator=(Semaphore&& other) noexcept {
  if (this != &other) {
    end();
    id_ = std::exchange(other.id_, -1);
    me_ = other.me_;
    is_owner_ = std::exchange(other.is_owner_, false);
    is_held_ = std::exchange(other.is_held_, false);
  }
  return *this;
}

Semaphore::~Semaphore() { end(); }

// A forked child holds a copy of the handle, and must neither free nor remove what is its parent's.
// Already removed by somebody else is as good.
void Semaphore::end() {
  if ((!is_held_ && !is_owner_) || is_inherited()) return;
  if (is_held_) static_cast<void>(unlock());
  if (is_owner_) static_cast<void>(remove());
}

}  // namespace ipc
