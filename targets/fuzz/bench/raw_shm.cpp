// The calls of fuzz_shm by hand: the same records, no library, no model, no comparison, no guard.
// Words lie in the segment as the library's do; a claim is only ever a dead client's.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "harness/inproc/records.h"

namespace {

using pipewrench::Record;

constexpr std::array<std::size_t, 8> kSizes = {0, 1, 7, 15, 16, 17, 40, 41};
constexpr std::array<std::size_t, 4> kCapacities = {16, 16, 40, 16};
constexpr std::size_t kCreator = 0, kVersion = 2, kState = 4, kMail = 8, kLength = 10, kText = 13;
constexpr std::uint64_t kReady = 1, kGone = 2;
constexpr std::uint64_t kEmpty = 0, kWriting = 1, kFull = 2, kReading = 3;
constexpr pid_t kDead = (1 << 22) - 1;
constexpr int kMostTries = 16;

bool waits(const Record& record) { return (record.flags & 1) != 0; }

void wake(std::uint64_t* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool is_dead(std::uint64_t pid, pid_t me) {
  if (pid == 0 || pid > static_cast<std::uint64_t>(kDead)) return true;  // scribbled
  return pid != static_cast<std::uint64_t>(me) && ::kill(static_cast<pid_t>(pid), 0) != 0;
}

// The start of our own process, which a peer compares.
void look_up(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  std::array<char, 1024> text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  while (::read(fd, text.data(), text.size()) > 0) {
  }
  ::close(fd);
}

struct Box {
  int id = -1;
  std::uint64_t* words = nullptr;
  std::size_t capacity = 0;
  bool is_owner = false;
};

class Boxes {
 public:
  explicit Boxes(pid_t me) : me_(me), key_(0x52000000 | me) {}
  ~Boxes() {
    for (Box& box : boxes_) close(box);
    for (const int id : ids_) ::shmctl(id, IPC_RMID, nullptr);
  }

  void run(unsigned op, Box& box, const Record& record) {
    if (op == 6) return open(box, record);
    if (op == 7) return close(box);
    if (op == 5) return;  // a look is a load
    if (box.words == nullptr) open(box, {.op = 0, .client = 0, .flags = 0, .fault = 0, .value = 5});
    if (box.words == nullptr) return;
    switch (op) {
      case 0:
        return write(box, record);
      case 1:
        return read(box, record);
      case 4:
        return clear(box, record);
      case 8:
        return remove(box);
      case 9:
        return die(box, record);
      case 10:
        if (box.words[kMail] % 4 == kFull) box.words[kLength] ^= 1;
        return;
      default:
        box.words[record.value % (kText + box.capacity / 8)] = record.value >> 8;
    }
  }

  Box& box(std::size_t number) { return boxes_[number]; }

 private:
  bool claim(Box& box, std::uint64_t wanted, const Record& record) {
    ::getpid();
    const std::uint64_t phase = box.words[kMail] % 4;
    if (phase == kWriting || phase == kReading) {  // a dead client's, or scribbled
      if (!is_dead(box.words[kMail] >> 2, me_)) return false;
      box.words[kMail] = kEmpty;
      wake(&box.words[kMail]);
      if (phase == kReading) return false;
    }
    if (box.words[kMail] % 4 == wanted) return true;
    shmid_ds status{};
    if (waits(record)) ::shmctl(box.id, IPC_STAT, &status);
    return false;
  }

  void write(Box& box, const Record& record) {
    const std::size_t size = kSizes[record.value >> 3 & 7];
    if (size > box.capacity || !claim(box, kEmpty, record)) return;
    box.words[kLength] = size;
    std::memset(&box.words[kText], 'a', size);
    box.words[kMail] = kFull;
    wake(&box.words[kMail]);
  }

  void read(Box& box, const Record& record) {
    if (!claim(box, kFull, record)) return;
    std::array<char, 64> text{};
    std::memcpy(text.data(), &box.words[kText], std::min(box.words[kLength], box.capacity));
    box.words[kMail] = kEmpty;
    wake(&box.words[kMail]);
  }

  void clear(Box& box, const Record& record) {
    ::getpid();
    if ((record.value & 1) != 0 || box.words[kMail] % 4 != kFull) return;
    box.words[kMail] = kEmpty;
    wake(&box.words[kMail]);
  }

  void remove(Box& box) {
    box.is_owner = false;
    if (::shmctl(box.id, IPC_RMID, nullptr) != 0) return;
    box.words[kState] = kGone;
    wake(&box.words[kState]);
  }

  void close(Box& box) {
    if (box.words == nullptr) return;
    if (box.is_owner) ::getpid(), remove(box);
    ::shmdt(box.words);
    box = {};
  }

  void die(Box& box, const Record& record) {
    const std::uint64_t claim = static_cast<std::uint64_t>(kDead) << 2;
    const std::uint64_t phase = box.words[kMail] % 4;
    const unsigned where = record.value % 5;
    if ((where == 1 || where == 2) && phase == kEmpty) box.words[kMail] = claim | kWriting;
    if (where == 3 && phase == kFull) box.words[kMail] = claim | kReading;
    if (where == 4 && box.is_owner) box.words[kState] = 0;
    if (box.is_owner) {
      const bool is_unnamed = where == 4 && (record.flags & 7) == 7;
      box.words[kCreator] = is_unnamed ? 0 : static_cast<std::uint64_t>(kDead);
    }
    box.is_owner = false;
    close(box);
  }

  // False: the key is taken.
  bool create(Box& box, std::size_t capacity, std::uint64_t version) {
    const std::size_t size = kText * sizeof(std::uint64_t) + capacity;
    const int id = ::shmget(key_, size, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0) return false;
    ids_.push_back(id);
    auto* words = static_cast<std::uint64_t*>(::shmat(id, nullptr, 0));
    box = {.id = id, .words = words, .capacity = capacity, .is_owner = true};
    words[kCreator] = static_cast<std::uint64_t>(me_);
    words[kVersion] = version;
    words[kState] = kReady;
    wake(&words[kState]);
    return true;
  }

  void open(Box& box, const Record& record) {
    close(box);
    const bool creates = record.value % 3 != 1, opens = record.value % 3 != 0;
    const std::size_t layout = record.value / 9 % kCapacities.size();
    const std::uint64_t version = layout == 3;
    if (!opens) return void(create(box, kCapacities[layout], version));
    bool makes = creates;
    for (int tries = 0; tries < kMostTries; ++tries) {
      const int id = ::shmget(key_, 0, 0);
      if (id < 0 && !makes) return;
      if (id < 0) {
        if (create(box, kCapacities[layout], version)) return;
        continue;
      }
      if (join(box, id, kCapacities[layout], version, record.value / 3 % 3)) return;
      makes = true;
    }
  }

  // False: it was removed, to be made anew.
  bool join(Box& box, int id, std::size_t capacity, std::uint64_t version, unsigned on_stale) {
    shmid_ds status{};
    ::shmctl(id, IPC_STAT, &status);
    ::geteuid();
    box = {.id = id, .capacity = capacity};
    box.words = static_cast<std::uint64_t*>(::shmat(id, nullptr, 0));
    const bool is_made = box.words[kState] == kReady;
    const std::uint64_t creator = box.words[kCreator];
    if (!is_made && creator == 0) look_up(status.shm_cpid);
    const bool is_orphan = creator != 0 && is_dead(creator, me_);
    const bool fits = status.shm_segsz == kText * sizeof(std::uint64_t) + capacity &&
                      box.words[kVersion] == version;
    if (is_made && is_orphan && status.shm_nattch > 0) ::shmctl(id, IPC_STAT, &status);
    const bool is_used = is_made && is_orphan && status.shm_nattch > 1;
    if (is_orphan && !is_used && on_stale == 2) {
      take_over(box);
      box.words[kState] = 0;
      close(box);
      return false;
    }
    const bool is_refused = !is_made || !fits || (is_orphan && !is_used && on_stale == 0);
    if (is_refused) return close(box), true;
    if (is_orphan) take_over(box);
    return true;
  }

  void take_over(Box& box) {
    box.words[kCreator] = static_cast<std::uint64_t>(me_);
    box.is_owner = true;
    wake(&box.words[kCreator]);
  }

  pid_t me_;
  key_t key_;
  std::array<Box, 3> boxes_;
  std::vector<int> ids_;
};

struct Lock {
  int id = -1;
  bool is_owner = false;
  bool is_held = false;
};

class Locks {
 public:
  explicit Locks(pid_t me) : key_(0x52000000 | me) {}
  ~Locks() {
    for (Lock& lock : locks_) close(lock);
  }

  void run(unsigned op, Lock& lock, const Record& record) {
    if (op == 14) return open(lock, record.value % 3 != 1, record.value % 3 != 2);
    if (op == 15) return close(lock);
    if (lock.id < 0) open(lock, true, true);
    if (lock.id < 0) return;
    switch (op) {
      case 12:
        return take(lock);
      case 13:
        return give(lock);
      case 16:
        return free_stale(lock);
      case 17:
        return operate(lock, record);
      case 18: {
        constexpr std::array kValues = {0, 1, 2, 32766, 32767, 32768, -1, INT_MIN};
        ::semctl(lock.id, record.flags % 3, SETVAL, kValues[record.value % kValues.size()]);
        return;
      }
      default:
        lock.is_owner = lock.is_held = false;
        ::semctl(lock.id, 0, IPC_RMID);
    }
  }

  Lock& lock(std::size_t number) { return locks_[number]; }

 private:
  static bool add_one(const Lock& lock, unsigned short member) {
    std::array<sembuf, 2> steps{{{member, 0, IPC_NOWAIT}, {member, 1, IPC_NOWAIT | SEM_UNDO}}};
    return ::semtimedop(lock.id, steps.data(), steps.size(), nullptr) == 0;
  }
  static void take_one(const Lock& lock, unsigned short member) {
    sembuf step{member, -1, IPC_NOWAIT | SEM_UNDO};
    ::semop(lock.id, &step, 1);
  }

  static void take(Lock& lock) {
    ::getpid();
    if (lock.is_held) return;
    lock.is_held = add_one(lock, 0);
    if (!lock.is_held && errno == EAGAIN) ::semctl(lock.id, 0, GETPID);
  }
  static void give(Lock& lock) {
    ::getpid();
    if (lock.is_held) take_one(lock, 0);
    lock.is_held = false;
  }
  static void free_stale(const Lock& lock) {
    ::getpid();
    if (!add_one(lock, 1)) return;
    ::semctl(lock.id, 0, GETPID);
    take_one(lock, 1);
  }
  static void operate(const Lock& lock, const Record& record) {
    std::array<sembuf, 3> steps{};
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::uint32_t bits = record.value >> (8 * i);
      steps[i] = {static_cast<unsigned short>(bits & 3),
                  static_cast<short>(static_cast<int>(bits >> 2 & 7) - 3),
                  static_cast<short>(IPC_NOWAIT | ((bits & 32) != 0 ? SEM_UNDO : 0))};
    }
    ::semop(lock.id, steps.data(), record.flags % (steps.size() + 1));
  }

  void open(Lock& lock, bool creates, bool opens) {
    close(lock);
    if (creates) lock.id = ::semget(key_, 2, IPC_CREAT | IPC_EXCL | 0600);
    lock.is_owner = lock.id >= 0;
    if (lock.id >= 0 || !opens) return;
    lock.id = ::semget(key_, 0, 0);
    if (lock.id < 0) return;
    semid_ds status{};
    ::semctl(lock.id, 0, IPC_STAT, &status);
    ::geteuid();
  }

  static void close(Lock& lock) {
    if (lock.is_held) give(lock);
    if (lock.is_owner) ::getpid(), ::semctl(lock.id, 0, IPC_RMID);
    lock = {};
  }

  key_t key_;
  std::array<Lock, 3> locks_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<unsigned, 32> kOperations = {0,  1,  0,  1,  4,  5,  6,  7,  8,  9, 10,
                                                    11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 1,
                                                    0,  1,  4,  5,  10, 12, 13, 16, 17, 18};
  static const pid_t me = ::getpid();
  Boxes boxes(me);
  Locks locks(me);
  const pipewrench::Records records(data, size);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Record record = records[i];
    const unsigned op = kOperations[record.op % kOperations.size()];
    const std::size_t client = record.client % 3;
    if (op < 12)
      boxes.run(op, boxes.box(client), record);
    else
      locks.run(op, locks.lock(client), record);
  }
  return 0;
}
