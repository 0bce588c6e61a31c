// System V queues, segments and semaphores. The kernel does each call, so that lspid, lrpid and
// SEM_UNDO are the peer's; whether it would block is told beforehand from the conductor's view of
// the object.
// SPDX-License-Identifier: MIT
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/stage.h"
#include "harness/conduct/sysv.h"

namespace pipewrench {
namespace {

constexpr std::size_t kMostOperations = 500;  // SEMOPM by default

union SemaphoreArgument {
  int value;
  semid_ds* buffer;
  unsigned short* array;
};

int flags_of(const Pending& pending, unsigned argument) {
  return static_cast<int>(pending.address(argument));
}

int lookup(Call call, key_t key) {
  if (key == IPC_PRIVATE) return -1;
  if (call == Call::msgget) return msgget(key, 0);
  if (call == Call::shmget) return shmget(key, 0, 0);
  return semget(key, 0, 0);
}

std::uint32_t object_named(Run& run, Call call, int id) {
  if (call == Call::msgget) return queue_object(run, id);
  if (call == Call::shmget) return segment_object(run, id);
  return semaphore_object(run, id);
}

int kind_of(Call call) {
  return call == Call::msgget ? Stage::kMsg : call == Call::semget ? Stage::kSem : Stage::kShm;
}

Look look_get(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto key = static_cast<key_t>(pending.address(0));
  const int flags = flags_of(pending, pending.call == Call::msgget ? 1 : 2);
  if (pending.call != Call::msgget) pending.asked = pending.address(1);
  char mode[16];
  std::snprintf(mode, sizeof mode, ", 0%o", static_cast<unsigned>(flags) & 0777U);
  pending.detail = key == IPC_PRIVATE ? "IPC_PRIVATE" : "key " + key_text(run, key) + mode;
  if ((flags & IPC_CREAT) != 0) pending.detail += "|IPC_CREAT";
  if ((flags & IPC_EXCL) != 0) pending.detail += "|IPC_EXCL";
  return Look::ipc;
}

// The result is the id; in the trace it is 0, since the object has a name.
void after_get(Run& run, std::uint32_t task, Step& step) {
  if (step.result < 0 || !run.live[task].created) return;
  step.object = object_named(run, step.call, run.live[task].wanted_id);
  if (step.object == kNoObject) {
    step.flags |= kUnknownResult;  // ENOSPC, EACCES: nothing was made
    return;
  }
  ++run.next_ids[kind_of(step.call)];
  Object& made = run.trace.objects[step.object];
  made.maker = task;
  made.made = static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

// On the host the next id cannot be chosen: the worker, which is the same user, makes the object.
void make_on_host(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const long id =
      syscall(pending.notif.data.nr, pending.address(0), pending.address(1), pending.address(2));
  const long error = errno;
  run.live[task].wanted_id = static_cast<int>(id);
  Step& step = run.record(task, id < 0 ? -error : 0);
  after_get(run, task, step);
  if (step.object != kNoObject)
    run.stage.has_made(run.trace.objects[step.object].kind, static_cast<int>(id));
  run.answer(task, id < 0 ? -error : id);
}

void act_get(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const auto key = static_cast<key_t>(pending.address(0));
  const int flags = flags_of(pending, pending.call == Call::msgget ? 1 : 2);
  const int there = lookup(pending.call, key);
  const int kind = kind_of(pending.call);
  pending.expected = 0;
  if (there >= 0) {
    pending.object = object_named(run, pending.call, there);
    if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL)) pending.expected = -EEXIST;
    // semget(2), shmget(2): larger than what exists.
    std::uint64_t size = pending.asked;
    if (pending.expected == 0 && pending.call == Call::shmget &&
        size > run.objects[pending.object].size_bytes)
      pending.expected = -EINVAL;
  } else if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0) {
    pending.expected = -ENOENT;
  } else {
    run.stage.set_next_id(kind, run.next_ids[kind]);
  }
  run.live[task].wanted_id = there >= 0 ? there : run.next_ids[kind];
  run.live[task].created = there < 0 && pending.expected == 0;
  if (run.live[task].created && !run.stage.has_namespaces()) return make_on_host(run, task);
  kernel_acts(run, task);
}

Look look_send(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.object = queue_object(run, static_cast<int>(pending.address(0)));
  pending.asked = pending.address(2);
  pending.nonblocking = (flags_of(pending, 3) & IPC_NOWAIT) != 0;
  const auto type = read_value<long>(run.process_of(task).pid, pending.address(1));
  pending.number = type ? *type : 0;
  char text[64];
  std::snprintf(text, sizeof text, "mtype %ld, %lu bytes", static_cast<long>(pending.number),
                static_cast<unsigned long>(pending.asked));
  pending.detail = text;
  return Look::ipc;
}

bool queue_is_gone(const Pending& pending) {
  msqid_ds info{};
  return pending.object == kNoObject ||
         msgctl(static_cast<int>(pending.address(0)), IPC_STAT, &info) != 0;
}

// msgsnd(2): room in bytes, and in messages so that empty ones do not pile up without end.
bool has_room(const Pending& pending) {
  msqid_ds info{};
  if (msgctl(static_cast<int>(pending.address(0)), IPC_STAT, &info) != 0) return true;
  return pending.asked + info.__msg_cbytes <= info.msg_qbytes &&
         info.msg_qnum + 1 <= info.msg_qbytes;
}

bool can_send(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const bool refused = pending.number < 1 || pending.asked > static_cast<std::uint64_t>(INT_MAX);
  if (refused || pending.nonblocking || queue_is_gone(pending)) return true;
  msginfo limits{};
  msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&limits));
  return pending.asked > static_cast<std::uint64_t>(limits.msgmax) || has_room(pending);
}

// Whoever slept in the call when the object went gets EIDRM; who comes later EINVAL.
bool answered_removed(Run& run, std::uint32_t task, bool gone) {
  Pending& pending = run.pending_of(task);
  if (!gone) return false;
  if (pending.entered && pending.object != kNoObject) {
    run.record(task, -EIDRM);
    run.answer(task, -EIDRM);
    return true;
  }
  pending.expected = -EINVAL;
  kernel_acts(run, task);
  return true;
}

void act_send(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (answered_removed(run, task, queue_is_gone(pending))) return;
  Letter letter{static_cast<long>(pending.number), pending.asked, 0, ""};
  letter.text.resize(std::min<std::uint64_t>(pending.asked, kTraceData));
  letter.text.resize(read_memory(run.process_of(task).pid, pending.address(1) + sizeof(long),
                                 letter.text.data(), letter.text.size()));
  pending.detail += ", " + quoted(letter.text);
  msginfo limits{};
  msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&limits));
  if (pending.number < 1 || pending.asked > static_cast<std::uint64_t>(limits.msgmax))
    pending.expected = -EINVAL;
  else if (pending.nonblocking && !has_room(pending))
    pending.expected = -EAGAIN;
  const bool goes = pending.expected == 0;
  ObjectState& state = run.objects[pending.object];
  kernel_acts(run, task);
  Step& step = run.trace.steps.back();
  step.data = letter.text;
  if (goes) {
    step.message = letter.serial = ++state.serial;
    state.letters.push_back(std::move(letter));
  }
}

void after_send(Run& run, std::uint32_t, Step& step) {
  if (step.object == kNoObject || step.result < 0) return;
  ObjectState& state = run.objects[step.object];
  msqid_ds info{};
  if (msgctl(state.id, IPC_STAT, &info) != 0 || info.msg_qnum >= state.letters.size()) return;
  // The kernel refused what was expected to go: no memory, no permission.
  step.flags |= kUnknownResult;
  std::erase_if(state.letters, [&](const Letter& letter) { return letter.serial == step.message; });
}

Look look_receive(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.object = queue_object(run, static_cast<int>(pending.address(0)));
  pending.asked = pending.address(2);
  pending.number = static_cast<std::int64_t>(pending.address(3));
  pending.nonblocking = (flags_of(pending, 4) & IPC_NOWAIT) != 0;
  char text[64];
  std::snprintf(text, sizeof text, "mtype %ld", static_cast<long>(pending.number));
  pending.detail = text;
  return Look::ipc;
}

bool can_receive(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  if (pending.nonblocking || pending.object == kNoObject || queue_is_gone(pending)) return true;
  return select_letter(run.objects[pending.object].letters, pending.number, flags_of(pending, 4))
      .has_value();
}

void act_receive(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (answered_removed(run, task, queue_is_gone(pending))) return;
  ObjectState& state = run.objects[pending.object];
  const auto chosen = select_letter(state.letters, pending.number, flags_of(pending, 4));
  Letter letter;
  if (!chosen) {
    pending.expected = -ENOMSG;
  } else if (state.letters[*chosen].size_bytes > pending.asked &&
             (flags_of(pending, 4) & MSG_NOERROR) == 0) {
    pending.expected = -E2BIG;
  } else {
    letter = state.letters[*chosen];
    state.letters.erase(state.letters.begin() + static_cast<std::ptrdiff_t>(*chosen));
    pending.expected = static_cast<std::int64_t>(std::min(letter.size_bytes, pending.asked));
    pending.detail += ", " + quoted(letter.text);
    pending.number = letter.type;
    if (letter.size_bytes > pending.asked) pending.flags |= kShort;
  }
  kernel_acts(run, task);
  run.trace.steps.back().data = letter.text;
  run.trace.steps.back().message = letter.serial;
}

// semctl(2): of one semaphore of the set.
bool is_of_one(int command) {
  return command == SETVAL || command == GETVAL || command == GETPID || command == GETNCNT ||
         command == GETZCNT;
}

bool has_member(const Pending& pending) {
  semid_ds info{};
  return pending.call != Call::semctl ||
         semctl(static_cast<int>(pending.address(0)), 0, IPC_STAT,
                SemaphoreArgument{.buffer = &info}) != 0 ||
         pending.address(1) < info.sem_nsems;
}

Look look_control(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  const int id = static_cast<int>(pending.address(0));
  const int command = flags_of(pending, pending.call == Call::semctl ? 2 : 1) & ~0x100;  // IPC_64
  if (pending.call == Call::msgctl) pending.object = queue_object(run, id);
  if (pending.call == Call::shmctl) pending.object = segment_object(run, id);
  if (pending.call == Call::semctl) pending.object = semaphore_object(run, id);
  if (pending.object == kNoObject || (is_of_one(command) && !has_member(pending)))
    pending.expected = -EINVAL;
  pending.number = command;
  struct Name {
    int command;
    const char* name;
  };
  static constexpr Name kNames[] = {
      {IPC_RMID, "IPC_RMID"}, {IPC_STAT, "IPC_STAT"}, {IPC_SET, "IPC_SET"}, {SETVAL, "SETVAL"},
      {GETVAL, "GETVAL"},     {SETALL, "SETALL"},     {GETALL, "GETALL"}};
  for (const Name& name : kNames)
    if (name.command == command) pending.detail = name.name;
  return Look::ipc;
}

void after_control(Run& run, std::uint32_t, Step& step) {
  if (step.number != IPC_RMID || step.object == kNoObject) return;
  ObjectState& state = run.objects[step.object];
  Object& shown = run.trace.objects[step.object];
  // A segment with attachments lives on without its key (shmctl(2)).
  shmid_ds info{};
  const bool gone = shown.kind != ObjectKind::segment || shmctl(state.id, IPC_STAT, &info) != 0 ||
                    (info.shm_perm.mode & SHM_DEST) != 0;
  msqid_ds queue{};
  const bool still = shown.kind == ObjectKind::queue && msgctl(state.id, IPC_STAT, &queue) == 0;
  if (gone && !still) shown.removed = static_cast<std::uint32_t>(&step - run.trace.steps.data());
}

// What stands in the set now: nobody else has run meanwhile.
void after_semop(Run& run, std::uint32_t, Step& step) {
  constexpr std::size_t kMostShown = 16;
  if (step.result < 0 || step.object == kNoObject) return;
  const int id = run.objects[step.object].id;
  semid_ds info{};
  if (semctl(id, 0, IPC_STAT, SemaphoreArgument{.buffer = &info}) != 0) return;
  std::vector<unsigned short> values(info.sem_nsems);
  if (semctl(id, 0, GETALL, SemaphoreArgument{.array = values.data()}) != 0) return;
  for (std::size_t i = 0; i < values.size() && i < kMostShown; ++i)
    step.data += (i == 0 ? "" : ", ") + std::to_string(values[i]);
  if (values.size() > kMostShown) step.data += ", ...";
}

void after_semctl(Run& run, std::uint32_t task, Step& step) {
  after_control(run, task, step);
  if (step.number == SETVAL || step.number == SETALL) after_semop(run, task, step);
}

Look look_attach(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  if (pending.call == Call::shmdt) return Look::ipc;
  pending.object = segment_object(run, static_cast<int>(pending.address(0)));
  if (pending.object == kNoObject) pending.expected = -EINVAL;
  return Look::ipc;
}

void after_attach(Run& run, std::uint32_t task, Step& step) {
  if (step.call == Call::shmdt) {
    run.forget_attachments(run.live[task].process, run.live[task].pending.address(0));
    return;
  }
  if (step.object == kNoObject) return;
  // maps(5): the inode of a segment's mapping is its id.
  char path[48], line[512];
  std::snprintf(path, sizeof path, "/proc/%d/maps", run.process_of(task).pid);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path, "re"), &std::fclose);
  std::uint64_t last = 0;
  while (file && std::fgets(line, sizeof line, file.get()) != nullptr) {
    std::uint64_t from = 0, to = 0, offset = 0, inode = 0;
    if (std::strstr(line, "/SYSV") == nullptr) continue;
    if (std::sscanf(line, "%lx-%lx %*s %lx %*s %lu", &from, &to, &offset, &inode) == 4 &&
        static_cast<int>(inode) == run.objects[step.object].id)
      last = from;
  }
  if (last != 0) {
    run.attached.push_back({run.live[task].process, step.object, last});
    watch_segments(run, task);
  }
}

std::vector<sembuf> operations_of(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  std::vector<sembuf> operations(std::min<std::uint64_t>(pending.address(2), kMostOperations));
  const std::size_t size = operations.size() * sizeof(sembuf);
  if (read_memory(run.process_of(task).pid, pending.address(1), operations.data(), size) != size)
    operations.clear();
  return operations;
}

Look look_semop(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  pending.object = semaphore_object(run, static_cast<int>(pending.address(0)));
  const std::vector<sembuf> operations = operations_of(run, task);
  for (const sembuf& operation : operations) {
    char text[48];
    std::snprintf(text, sizeof text, "%s[%d] %+d%s", pending.detail.empty() ? "" : ", ",
                  operation.sem_num, operation.sem_op,
                  (operation.sem_flg & SEM_UNDO) != 0 ? " undo" : "");
    pending.detail += text;
    if ((operation.sem_flg & IPC_NOWAIT) != 0) pending.nonblocking = true;
  }
  if (!operations.empty()) pending.number = operations[0].sem_op;
  if (pending.notif.data.nr == SYS_semtimedop && pending.address(3) != 0)
    if (const auto limit = read_value<timespec>(run.process_of(task).pid, pending.address(3)))
      pending.due_ns = run.now_ns + static_cast<std::uint64_t>(limit->tv_sec) * 1'000'000'000 +
                       static_cast<std::uint64_t>(limit->tv_nsec);
  return Look::ipc;
}

// semop(2): all or nothing, in array order; true if it would not block, or fails at once.
bool semop_goes(Run& run, std::uint32_t task, bool& gone) {
  Pending& pending = run.pending_of(task);
  pending.expected = 0;
  semid_ds info{};
  SemaphoreArgument argument{};
  argument.buffer = &info;
  const int id = static_cast<int>(pending.address(0));
  gone = pending.object == kNoObject || semctl(id, 0, IPC_STAT, argument) != 0;
  if (gone) return true;
  std::vector<unsigned short> values(info.sem_nsems);
  argument.array = values.data();
  if (semctl(id, 0, GETALL, argument) != 0) return true;
  for (const sembuf& operation : operations_of(run, task)) {
    if (operation.sem_num >= values.size()) {
      pending.expected = -EFBIG;
      return true;
    }
    const int value = values[operation.sem_num];
    if (operation.sem_op == 0 && value != 0) return false;
    if (value + operation.sem_op < 0) return false;
    values[operation.sem_num] = static_cast<unsigned short>(value + operation.sem_op);
  }
  return true;
}

bool can_semop(Run& run, std::uint32_t task) {
  bool gone = false;
  return semop_goes(run, task, gone) || run.pending_of(task).nonblocking;
}

void act_semop(Run& run, std::uint32_t task) {
  Pending& pending = run.pending_of(task);
  bool gone = false;
  const bool goes = semop_goes(run, task, gone);
  if (answered_removed(run, task, gone)) return;
  if (!goes && pending.timed_out) {
    run.record(task, -EAGAIN, kTimedOut);
    run.answer(task, -EAGAIN);
    return;
  }
  if (!goes && pending.nonblocking) pending.expected = -EAGAIN;
  // Who has taken it: shown as the holder when others wait.
  if (goes)
    for (const sembuf& operation : operations_of(run, task))
      if (operation.sem_op < 0) run.objects[pending.object].holders[operation.sem_num] = task;
  kernel_acts(run, task);
}

constexpr CallRow kRows[] = {
    {SYS_msgget, Call::msgget, look_get, nullptr, act_get, after_get},
    {SYS_msgsnd, Call::msgsnd, look_send, can_send, act_send, after_send},
    {SYS_msgrcv, Call::msgrcv, look_receive, can_receive, act_receive},
    {SYS_msgctl, Call::msgctl, look_control, nullptr, nullptr, after_control},
    {SYS_shmget, Call::shmget, look_get, nullptr, act_get, after_get},
    {SYS_shmat, Call::shmat, look_attach, nullptr, nullptr, after_attach},
    {SYS_shmdt, Call::shmdt, look_attach, nullptr, nullptr, after_attach},
    {SYS_shmctl, Call::shmctl, look_control, nullptr, nullptr, after_control},
    {SYS_semget, Call::semget, look_get, nullptr, act_get, after_get},
    {SYS_semop, Call::semop, look_semop, can_semop, act_semop, after_semop},
    {SYS_semtimedop, Call::semop, look_semop, can_semop, act_semop, after_semop},
    {SYS_semctl, Call::semctl, look_control, nullptr, nullptr, after_semctl},
};

}  // namespace

std::uint32_t holder_of_semaphore(Run& run, std::uint32_t task) {
  const Pending& pending = run.pending_of(task);
  const int id = static_cast<int>(pending.address(0));
  semid_ds info{};
  if (semctl(id, 0, IPC_STAT, SemaphoreArgument{.buffer = &info}) != 0) return kNobody;
  std::vector<unsigned short> values(info.sem_nsems);
  if (semctl(id, 0, GETALL, SemaphoreArgument{.array = values.data()}) != 0) return kNobody;
  const auto& holders = run.objects[pending.object].holders;
  for (const sembuf& operation : operations_of(run, task)) {
    if (operation.sem_num >= values.size()) return kNobody;
    const int value = values[operation.sem_num] + operation.sem_op;
    const auto holder = holders.find(operation.sem_num);
    if (value < 0) return holder == holders.end() ? kNobody : holder->second;
    values[operation.sem_num] = static_cast<unsigned short>(value);
  }
  return kNobody;
}

std::span<const CallRow> sysv_rows() { return kRows; }

}  // namespace pipewrench
