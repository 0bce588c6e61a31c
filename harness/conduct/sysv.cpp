// SPDX-License-Identifier: MIT
#include "harness/conduct/sysv.h"

#include <dirent.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/memory.h"
#include "harness/conduct/paths.h"
#include "harness/conduct/stage.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

namespace pipewrench {
namespace {

constexpr std::size_t kMostText = 8192;            // msgmax by default
constexpr std::uint64_t kWatchedBytes = 64 << 10;  // of a segment

union SemaphoreArgument {
  int value;
  semid_ds* buffer;
  unsigned short* array;
};

std::string key_name(const char* kind, key_t key, Run& run) {
  if (key == IPC_PRIVATE) return run.number_object(kind);
  return std::string(kind) + " " + key_text(run, key);
}

std::uint32_t register_object(Run& run, ObjectKind kind, int id, const ipc_perm& perm,
                              const char* name) {
  const auto before = run.objects.size();
  // A fresh name is asked for only where the object is new: numbers are given in order.
  std::uint32_t object = run.find_object(kind, static_cast<unsigned>(id), 0);
  if (object != kNoObject) return object;
  object = run.object_of(kind, static_cast<unsigned>(id), 0, key_name(name, perm.__key, run));
  if (run.objects.size() > before) {
    run.objects[object].id = id;
    run.trace.objects[object].mode = perm.mode & 0777U;
  }
  return object;
}

}  // namespace

// ftok(3) mixes inode, device and a letter into a key: such a key differs from run to run, so what
// made it is shown.
std::string key_text(const Run& run, key_t key) {
  const auto bits = static_cast<std::uint32_t>(key);
  const auto fits = [bits](const struct stat& info) {
    return (bits & 0xffffU) == (info.st_ino & 0xffffU) &&
           (bits >> 16 & 0xffU) == (info.st_dev & 0xffU) && (bits >> 24) != 0;
  };
  const auto show = [bits](const std::string& path) {
    char text[32];
    const char letter = static_cast<char>(bits >> 24);
    const bool plain = letter > 0x20 && letter < 0x7f;
    std::snprintf(text, sizeof text, plain ? ", '%c')" : ", %d)",
                  plain ? letter : static_cast<int>(bits >> 24));
    return "ftok(" + path + text;
  };
  struct stat info{};
  if (stat(run.stage.sandbox().c_str(), &info) == 0 && fits(info)) return show(".");
  for (const Place& place : run.stage.directories()) {
    const std::unique_ptr<DIR, int (*)(DIR*)> made(opendir(place.made.c_str()), &closedir);
    while (const dirent* entry = made ? readdir(made.get()) : nullptr) {
      if (entry->d_name[0] == '.') continue;
      const std::string shown = place.shown + "/" + entry->d_name;
      if (stat(run.stage.made_path(shown).c_str(), &info) == 0 && fits(info)) return show(shown);
    }
  }
  char text[24];
  std::snprintf(text, sizeof text, "0x%x", bits);
  return text;
}

std::optional<std::vector<Letter>> peek_queue(int id) {
  struct {
    long type;
    char text[kMostText];
  } letter;
  std::vector<Letter> letters;
  for (long index = 0;; ++index) {
    const ssize_t size = syscall(SYS_msgrcv, id, &letter, sizeof letter.text, index,
                                 MSG_COPY | IPC_NOWAIT | MSG_NOERROR);
    if (size < 0 && errno == ENOMSG) return letters;
    if (size < 0) return {};
    const auto bytes = static_cast<std::size_t>(size);
    letters.push_back({letter.type, bytes, 0,
                       std::string(letter.text, std::min<std::size_t>(bytes, kTraceData))});
  }
}

std::optional<std::size_t> select_letter(const std::deque<Letter>& letters, long type, int flags) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const long mine = letters[i].type;
    if (type == 0) return i;
    if (type > 0 && (mine == type) == ((flags & MSG_EXCEPT) == 0)) return i;
    // LONG_MIN has no positive twin: the kernel takes LONG_MAX.
    if (type < 0 && mine <= -(type + 1) + (type == LONG_MIN ? 0 : 1) &&
        (!best || mine < letters[*best].type))
      best = i;
  }
  return best;
}

std::uint32_t queue_object(Run& run, int id) {
  msqid_ds info{};
  if (msgctl(id, IPC_STAT, &info) != 0) return kNoObject;
  const auto before = run.objects.size();
  const std::uint32_t object = register_object(run, ObjectKind::queue, id, info.msg_perm, "queue");
  if (run.objects.size() > before && info.msg_qnum > 0)
    if (auto letters = peek_queue(id)) {
      ObjectState& state = run.objects[object];
      for (Letter& letter : *letters) {
        letter.serial = ++state.serial;
        state.letters.push_back(std::move(letter));
      }
    }
  return object;
}

std::uint32_t semaphore_object(Run& run, int id) {
  semid_ds info{};
  SemaphoreArgument argument{};
  argument.buffer = &info;
  if (semctl(id, 0, IPC_STAT, argument) != 0) return kNoObject;
  return register_object(run, ObjectKind::semaphore, id, info.sem_perm, "semaphore");
}

std::uint32_t segment_object(Run& run, int id) {
  shmid_ds info{};
  if (shmctl(id, IPC_STAT, &info) != 0) return kNoObject;
  const std::uint32_t object =
      register_object(run, ObjectKind::segment, id, info.shm_perm, "segment");
  run.objects[object].size_bytes = info.shm_segsz;
  return object;
}

void watch_segments(Run& run, std::uint32_t task) {
  if (run.attached.empty()) return;
  std::string bytes;
  for (std::size_t i = 0; i < run.objects.size(); ++i) {
    if (run.trace.objects[i].kind != ObjectKind::segment) continue;
    for (const Attachment& at : run.attached) {
      if (at.object != i || run.processes[at.process].dead) continue;
      bytes.resize(std::min(run.objects[i].size_bytes, kWatchedBytes));
      const std::size_t got =
          read_memory(run.processes[at.process].pid, at.address, bytes.data(), bytes.size());
      if (got == 0) continue;
      const std::uint64_t now = XXH3_64bits(bytes.data(), got);
      if (now != run.objects[i].content && run.objects[i].content_known) {
        Step& step = run.record_event(Event::stored, task);
        step.object = static_cast<std::uint32_t>(i);
        // What it begins with now: enough to tell text from cleared.
        step.data = bytes.substr(0, std::min<std::size_t>(got, kTraceData));
        step.detail = quoted(bytes.substr(0, strnlen(bytes.data(), got)));
      }
      run.objects[i].content = now;
      run.objects[i].content_known = true;
      break;
    }
  }
}

bool fill_queue(int id) {
  struct {
    long type;
    char text[kMostText];
  } letter{1, {}};
  constexpr int kMost = 100'000;
  std::size_t size = sizeof letter.text;
  for (int i = 0; i < kMost; ++i) {
    if (syscall(SYS_msgsnd, id, &letter, size, IPC_NOWAIT) == 0) continue;
    if (errno == EINVAL || errno == EAGAIN) {
      // An empty message may still fit: thousands of them would, and nobody sends those.
      if ((size /= 2) == 0) return true;
      continue;
    }
    return false;
  }
  return false;
}

bool hold_queue_full(Run& run, std::uint32_t object) {
  ObjectState& state = run.objects[object];
  msqid_ds info{};
  if (run.trace.objects[object].kind != ObjectKind::queue || state.room_bytes ||
      msgctl(state.id, IPC_STAT, &info) != 0)
    return false;
  const std::uint64_t before = info.msg_qbytes;
  // msgsnd(2): not more messages than msg_qbytes, be they as short as they may.
  info.msg_qbytes = info.msg_qnum;
  if (msgctl(state.id, IPC_SET, &info) != 0) return false;
  state.room_bytes = before;
  ++state.version;
  return true;
}

bool release_queues(Run& run) {
  bool released = false;
  for (ObjectState& state : run.objects) {
    const auto before = std::exchange(state.room_bytes, {});
    msqid_ds info{};
    if (!before || msgctl(state.id, IPC_STAT, &info) != 0) continue;
    info.msg_qbytes = *before;
    released |= msgctl(state.id, IPC_SET, &info) == 0;
    ++state.version;
  }
  return released;
}

static void keep(Run& run, ObjectKind kind, int id) {
  if (id < 0) return;
  run.set_up.emplace_back(kind, id);
  run.stage.has_made(kind, id);
}

void set_up_objects(Run& run) {
  for (const SetupQueue& queue : run.scenario.setup.queues) {
    run.stage.set_next_id(Stage::kMsg, run.next_ids[Stage::kMsg]++);
    const int id = msgget(queue.key, IPC_CREAT | IPC_EXCL | 0600);
    for (const SetupMessage& message : queue.messages) {
      std::string letter(sizeof(long), '\0');
      std::memcpy(letter.data(), &message.type, sizeof(long));
      letter += message.text;
      msgsnd(id, letter.data(), message.text.size(), IPC_NOWAIT);
    }
    if (queue.full) fill_queue(id);
    queue_object(run, id);
    keep(run, ObjectKind::queue, id);
  }
  for (const SetupSegment& segment : run.scenario.setup.segments) {
    run.stage.set_next_id(Stage::kShm, run.next_ids[Stage::kShm]++);
    const int id = shmget(segment.key, segment.size_bytes, IPC_CREAT | IPC_EXCL | 0600);
    void* memory = shmat(id, nullptr, 0);
    if (memory != reinterpret_cast<void*>(-1)) {
      std::memcpy(memory, segment.text.data(),
                  std::min<std::size_t>(segment.text.size(), segment.size_bytes));
      shmdt(memory);
    }
    segment_object(run, id);
    keep(run, ObjectKind::segment, id);
  }
  for (const SetupSemaphore& semaphore : run.scenario.setup.semaphores) {
    run.stage.set_next_id(Stage::kSem, run.next_ids[Stage::kSem]++);
    const int id = semget(semaphore.key, static_cast<int>(semaphore.values.size()),
                          IPC_CREAT | IPC_EXCL | 0600);
    std::vector<unsigned short> values(semaphore.values.begin(), semaphore.values.end());
    SemaphoreArgument argument{};
    argument.array = values.data();
    // A set is used only once sem_otime is set; SETALL does not set it, so a semop that changes
    // nothing follows.
    semctl(id, 0, SETALL, argument);
    sembuf touch[2] = {{0, 1, 0}, {0, -1, 0}};
    semop(id, touch, 2);
    semaphore_object(run, id);
    keep(run, ObjectKind::semaphore, id);
  }
}

bool remove_object(Run& run, std::uint32_t object) {
  Object& shown = run.trace.objects[object];
  const int id = run.objects[object].id;
  bool removed = false;
  if (shown.kind == ObjectKind::queue) removed = msgctl(id, IPC_RMID, nullptr) == 0;
  if (shown.kind == ObjectKind::segment) removed = shmctl(id, IPC_RMID, nullptr) == 0;
  if (shown.kind == ObjectKind::semaphore) removed = semctl(id, 0, IPC_RMID) == 0;
  if (shown.kind == ObjectKind::fifo) {
    const std::string path = run.stage.made_path(shown.name.substr(5));
    removed = !path.empty() && unlink(path.c_str()) == 0;
  }
  if (removed) {
    shown.removed = static_cast<std::uint32_t>(run.trace.steps.size());
    ++run.objects[object].version;
  }
  return removed;
}

// On the host only what peers or the set-up have made is ours.
static bool is_ours(const Run& run, ObjectKind kind, int id) {
  if (run.stage.has_namespaces()) return true;
  if (std::ranges::find(run.set_up, std::pair(kind, id)) != run.set_up.end()) return true;
  for (std::size_t i = 0; i < run.objects.size(); ++i)
    if (run.trace.objects[i].kind == kind && run.trace.objects[i].maker != kNobody &&
        run.objects[i].device == static_cast<std::uint64_t>(id))
      return true;
  return false;
}

void collect_objects(Run& run) {
  const auto leave = [&](ObjectKind kind, std::uint32_t object) {
    const Object& shown = run.trace.objects[object];
    const bool from_setup = shown.maker == kNobody;
    if (!from_setup) run.trace.leftovers.push_back({kind, shown.name, shown.maker});
  };
  // Every index up to the highest is looked at.
  msginfo queues{};
  const int last_queue = msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&queues));
  for (int i = 0; i <= last_queue; ++i) {
    msqid_ds info{};
    const int id = msgctl(i, MSG_STAT, &info);
    if (id < 0 || !is_ours(run, ObjectKind::queue, id)) continue;
    const std::uint32_t object = queue_object(run, id);
    if (object != kNoObject) leave(ObjectKind::queue, object);
    msgctl(id, IPC_RMID, nullptr);
  }
  shm_info segments{};
  const int last_segment = shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&segments));
  for (int i = 0; i <= last_segment; ++i) {
    shmid_ds info{};
    const int id = shmctl(i, SHM_STAT, &info);
    if (id < 0 || !is_ours(run, ObjectKind::segment, id)) continue;
    const std::uint32_t object = segment_object(run, id);
    if (object != kNoObject) leave(ObjectKind::segment, object);
    shmctl(id, IPC_RMID, nullptr);
  }
  seminfo sets{};
  SemaphoreArgument argument{};
  argument.buffer = reinterpret_cast<semid_ds*>(&sets);
  const int last_set = semctl(0, 0, SEM_INFO, argument);
  for (int i = 0; i <= last_set; ++i) {
    semid_ds info{};
    argument.buffer = &info;
    const int id = semctl(i, 0, SEM_STAT, argument);
    if (id < 0 || !is_ours(run, ObjectKind::semaphore, id)) continue;
    const std::uint32_t object = semaphore_object(run, id);
    if (object != kNoObject) leave(ObjectKind::semaphore, object);
    semctl(id, 0, IPC_RMID);
  }
  run.stage.has_removed_all();
}

}  // namespace pipewrench
