// Wrappers of System V calls. Under virtual time a wait that nobody can end jumps to its time-out.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <span>

#include "harness/inproc/clock.h"
#include "harness/inproc/wrap.h"

namespace pipewrench {
namespace {

// kernel.sem's SEMOPM as Linux ships it: more operations in one call give E2BIG.
constexpr std::size_t kMostOperations = 500;

// Which of EINTR and the "not now" errno this call cannot give: the first needs a sleep, the second
// IPC_NOWAIT.
int impossible_with(int flags, int not_now) { return (flags & IPC_NOWAIT) != 0 ? EINTR : not_now; }

// get calls: EEXIST needs IPC_CREAT|IPC_EXCL, ENOENT the absence of IPC_CREAT; with both flags an
// existing object's mode and size are not looked at, and IPC_PRIVATE meets no object at all
// (msgget(2), shmget(2), semget(2)).
template <class RealCall>
int get(Call call, key_t key, int flags, RealCall real) {
  const bool creates = key == IPC_PRIVATE || (flags & IPC_CREAT) != 0;
  const bool exclusive = creates && (key == IPC_PRIVATE || (flags & IPC_EXCL) != 0);
  const bool may_exist = exclusive && key != IPC_PRIVATE;
  return with_fault(
      call,
      {creates ? ENOENT : kNone, may_exist ? kNone : EEXIST, exclusive ? EACCES : kNone,
       exclusive ? EINVAL : kNone, creates ? kNone : ENOSPC, creates ? kNone : ENOMEM},
      real);
}

// ctl calls: EPERM comes from IPC_SET (and IPC_RMID), EACCES from what only reads (msgctl(2)).
int impossible_ctl(int command) { return command == IPC_SET ? EACCES : EPERM; }

// A blocking msgsnd or msgrcv under virtual time: only a timer's signal can end its sleep, with
// EINTR.
template <class Result, class Try>
Result sleep_virtually(const char* call, int not_now, Try without_waiting) {
  const Result result = without_waiting();
  if (result >= 0 || errno != not_now) return result;
  clock_state::sleep_ns(call, -1);
  errno = EINTR;
  return -1;
}

}  // namespace
}  // namespace pipewrench

using namespace pipewrench;

extern "C" {

int __wrap_msgget(key_t key, int flags) {
  return get(Call::msgget, key, flags, [&] { return __real_msgget(key, flags); });
}

int __wrap_msgsnd(int id, const void* message, size_t size, int flags) {
  return with_fault(Call::msgsnd, {impossible_with(flags, EAGAIN)}, [&] {
    if (!clock_state::is_virtual() || (flags & IPC_NOWAIT) != 0)
      return __real_msgsnd(id, message, size, flags);
    return sleep_virtually<int>(
        "msgsnd", EAGAIN, [&] { return __real_msgsnd(id, message, size, flags | IPC_NOWAIT); });
  });
}

ssize_t __wrap_msgrcv(int id, void* message, size_t size, long type, int flags) {
  return with_fault(Call::msgrcv, {impossible_with(flags, ENOMSG)}, [&] {
    if (!clock_state::is_virtual() || (flags & IPC_NOWAIT) != 0)
      return __real_msgrcv(id, message, size, type, flags);
    return sleep_virtually<ssize_t>("msgrcv", ENOMSG, [&] {
      return __real_msgrcv(id, message, size, type, flags | IPC_NOWAIT);
    });
  });
}

int __wrap_msgctl(int id, int command, msqid_ds* status) {
  // Removal really happens: a failed IPC_RMID would leave what nobody can clean up.
  if (command == IPC_RMID) return __real_msgctl(id, command, status);
  return with_fault(Call::msgctl, {impossible_ctl(command)},
                    [&] { return __real_msgctl(id, command, status); });
}

int __wrap_shmget(key_t key, size_t size, int flags) {
  return get(Call::shmget, key, flags, [&] { return __real_shmget(key, size, flags); });
}

void* __wrap_shmat(int id, const void* address, int flags) {
  if (const Fault* fault = next_fault(Call::shmat); fault != nullptr) {
    errno = fault->error_number;
    return reinterpret_cast<void*>(-1);
  }
  return __real_shmat(id, address, flags);
}

int __wrap_shmctl(int id, int command, shmid_ds* status) {
  if (command == IPC_RMID) return __real_shmctl(id, command, status);
  return with_fault(Call::shmctl, {impossible_ctl(command)},
                    [&] { return __real_shmctl(id, command, status); });
}

int __wrap_semget(key_t key, int count, int flags) {
  return get(Call::semget, key, flags, [&] { return __real_semget(key, count, flags); });
}

int __wrap_semtimedop(int id, sembuf* operations, size_t count, const timespec* timeout) {
  const auto has = [](int flag) {
    return [flag](const sembuf& operation) { return (operation.sem_flg & flag) != 0; };
  };
  const std::span all(operations, count);
  const bool sleeps = !std::ranges::all_of(all, has(IPC_NOWAIT));
  const bool gives_up = timeout != nullptr || std::ranges::any_of(all, has(IPC_NOWAIT));
  return with_fault(
      Call::semop,
      {sleeps ? kNone : EINTR, gives_up ? kNone : EAGAIN,
       std::ranges::any_of(all, has(SEM_UNDO)) ? kNone : ENOSPC},
      [&] {
        if (!clock_state::is_virtual() || !sleeps)
          return __real_semtimedop(id, operations, count, timeout);
        // Not with a time-out of zero: that still puts the thread to sleep for a moment.
        std::array<sembuf, kMostOperations> at_once;
        if (count > at_once.size()) return __real_semtimedop(id, operations, count, timeout);
        std::ranges::transform(all, at_once.begin(), [](sembuf operation) {
          operation.sem_flg = static_cast<short>(operation.sem_flg | IPC_NOWAIT);
          return operation;
        });
        const int result = __real_semtimedop(id, at_once.data(), count, nullptr);
        if (result == 0 || errno != EAGAIN) return result;
        const std::int64_t wait_ns = timeout == nullptr ? -1 : clock_state::to_ns(*timeout);
        errno = clock_state::sleep_ns("semop", wait_ns) == clock_state::Wake::timed_out ? EAGAIN
                                                                                        : EINTR;
        return -1;
      });
}

int __wrap_semop(int id, sembuf* operations, size_t count) {
  return __wrap_semtimedop(id, operations, count, nullptr);  // as glibc does
}

// Commands without an argument are called with three: the fourth is then read but not used.
__attribute__((no_sanitize("address"))) int __wrap_semctl(int id, int number, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument =
      va_arg(arguments, void*);  // union semun: a pointer or an int, both in one register
  va_end(arguments);
  if (command == IPC_RMID) return __real_semctl(id, number, command, argument);
  return with_fault(Call::semctl, {impossible_ctl(command)},
                    [&] { return __real_semctl(id, number, command, argument); });
}

}  // extern "C"
