// SPDX-License-Identifier: MIT
#include "targets/ipc/segment.h"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "targets/ipc/shared_word.h"
#include "targets/ipc/sysv_owner.h"

namespace ipc {

// At the start of every segment. The creator writes it from top to bottom; `state` comes last.
struct alignas(64) Segment::Header {
  std::uint64_t creator;  // pack(ProcessId); changes hands by compare-and-swap from a dead one
  std::uint64_t size;
  std::uint64_t version;
  std::uint64_t magic;
  std::uint64_t state;
};

struct Segment::Search {
  key_t key;
  Layout layout;
  OnStale stale;
  ProcessId me;
  Deadline deadline;
};

namespace {

constexpr std::uint64_t kMagic = 0x31676573'77706970;  // "pipwseg1"
// States of a segment; a new one is zero-filled (shmget(2)).
constexpr std::uint64_t kBeingMade = 0;
constexpr std::uint64_t kReady = 1;
constexpr std::uint64_t kGone = 2;
constexpr const char* kForeign = "not a segment of this library";
// How often a segment may vanish between finding and joining it before open() gives up.
constexpr int kMostTries = 16;

bool is_gone(int error_number) { return error_number == EINVAL || error_number == EIDRM; }

bool has_ended(pid_t pid) {
  const auto process = identify(pid);
  return process ? !is_alive(*process) : process.error().kind == Kind::peer_gone;
}

Failure misuse(const char* call, Segment::Layout layout, const char* why) {
  return fail(Kind::bad_argument, 0, call,
              {{{"size", static_cast<long>(layout.size)}, {"version", layout.version}}}, why);
}

Failure abandoned(int id, const char* why) {
  return fail(Kind::stale, 0, "open_segment", {{{"id", id}}}, why);
}

}  // namespace

Result<Segment> Segment::create(key_t key, Layout layout, ProcessId me) {
  if (layout.size == 0 || layout.size > kMostBytes)
    return misuse("create_segment", layout, "no such size");
  if (!can_pack(me)) return misuse("create_segment", layout, "not the identity of a process");
  const std::size_t total = sizeof(Header) + layout.size;
  const int id = ::shmget(key, total, IPC_CREAT | IPC_EXCL | 0600);
  if (id < 0) return fail("shmget", {{{"key", key}, {"size", static_cast<long>(total)}}});
  Segment segment(id, me);
  segment.is_owner_ = true;
  if (const auto attached = segment.attach(layout.size); !attached)
    return std::unexpected(attached.error());
  Header& header = segment.header();
  SharedWord(header.creator).store(pack(me), std::memory_order_relaxed);
  SharedWord(header.size).store(layout.size, std::memory_order_relaxed);
  SharedWord(header.version).store(layout.version, std::memory_order_relaxed);
  SharedWord(header.magic).store(kMagic, std::memory_order_relaxed);
  SharedWord(header.state).store(kReady, std::memory_order_release);
  wake_all(header.state);
  return segment;
}

Result<Segment> Segment::open(key_t key, Layout layout, OnStale stale, ProcessId me,
                              Deadline deadline) {
  return find({key, layout, stale, me, deadline}, false);
}

Result<Segment> Segment::create_or_open(key_t key, Layout layout, OnStale stale, ProcessId me,
                                        Deadline deadline) {
  return find({key, layout, stale, me, deadline}, true);
}

Result<Segment> Segment::find(const Search& search, bool creates) {
  if (search.key == IPC_PRIVATE)
    return misuse("open_segment", search.layout, "a private segment has no key to find it by");
  if (!can_pack(search.me))
    return misuse("open_segment", search.layout, "not the identity of a process");
  for (int tries = 0; tries < kMostTries; ++tries) {
    // Size 0 finds a segment of any size, which is then judged by what it says (shmget(2)).
    const int id = ::shmget(search.key, 0, 0);
    if (id < 0) {
      if (errno != ENOENT || !creates) return fail("shmget", {{{"key", search.key}}});
      auto created = create(search.key, search.layout, search.me);
      if (created || created.error().kind != Kind::exists) return created;
      continue;
    }
    Segment segment(id, search.me);
    const auto found = segment.join(search);
    if (!found) return std::unexpected(found.error());
    if (*found == Found::joined) return segment;
    if (*found == Found::removed) creates = true;
  }
  return fail(Kind::would_block, 0, "open_segment", {{{"key", search.key}}},
              "it is made and removed again and again");
}

Result<> Segment::attach(std::size_t size) {
  void* base = ::shmat(id_, nullptr, 0);
  // Not nullptr but -1 means failure (shmop(2)).
  if (base == reinterpret_cast<void*>(-1)) return fail("shmat", {{{"id", id_}}});
  base_ = base;
  size_ = size;
  return {};
}

Result<Segment::Found> Segment::join(const Search& search) {
  shmid_ds status{};
  if (::shmctl(id_, IPC_STAT, &status) != 0) {
    if (is_gone(errno)) return Found::look_again;
    return fail("shmctl", {{{"id", id_}}});
  }
  if (const auto ours = only_ours(status.shm_perm, "open_segment", id_); !ours)
    return std::unexpected(ours.error());
  if (status.shm_segsz < sizeof(Header))
    return fail(Kind::corrupt, 0, "open_segment", {{{"id", id_}}}, "too small for a header");
  const auto attached = attach(search.layout.size);
  if (!attached && is_gone(attached.error().number)) return Found::look_again;
  if (!attached) return std::unexpected(attached.error());
  const auto ready = await_ready(search, status);
  if (!ready || *ready != Found::joined) return ready;
  return judge(search, status);
}

// Found::joined: the header is complete.
Result<Segment::Found> Segment::await_ready(const Search& search, const shmid_ds& status) {
  for (;;) {  // until the deadline
    SharedWord state(header().state);
    const std::uint64_t seen = state.load(std::memory_order_acquire);
    if (seen == kGone) return Found::look_again;
    if (seen != kBeingMade) return Found::joined;
    const std::uint64_t creator = SharedWord(header().creator).load(std::memory_order_relaxed);
    // Before its first store the creator is known to the kernel only (shmctl(2), shm_cpid).
    const bool is_lost = creator != 0 ? is_dead(creator) : has_ended(status.shm_cpid);
    if (is_lost) {
      // All zeros may be anybody's: without the magic the size must be the one asked for.
      if (SharedWord(header().magic).load(std::memory_order_relaxed) != kMagic &&
          status.shm_segsz != sizeof(Header) + search.layout.size)
        return fail(Kind::corrupt, 0, "open_segment", {{{"id", id_}}}, kForeign);
      if (search.stale != OnStale::recreate)
        return abandoned(id_, "its creator died before it was ready");
      return recreate(creator);
    }
    if (search.deadline.expired())
      return late(search.deadline, "open_segment", "its creator has not made it ready yet");
    if (const auto woken = wait_on(header().state, seen, search.deadline); !woken)
      return std::unexpected(woken.error());
  }
}

Result<Segment::Found> Segment::judge(const Search& search, const shmid_ds& status) {
  if (SharedWord(header().magic).load(std::memory_order_relaxed) != kMagic ||
      SharedWord(header().state).load(std::memory_order_relaxed) != kReady)
    return fail(Kind::corrupt, 0, "open_segment", {{{"id", id_}}}, kForeign);
  const std::uint64_t size = SharedWord(header().size).load(std::memory_order_relaxed);
  const std::uint64_t version = SharedWord(header().version).load(std::memory_order_relaxed);
  const std::uint64_t creator = SharedWord(header().creator).load(std::memory_order_relaxed);
  const char* misfit = nullptr;
  // The kernel's size counts: the header's is only what a peer wrote.
  if (status.shm_segsz != sizeof(Header) + search.layout.size || size != search.layout.size)
    misfit = "it has another size";
  else if (version != search.layout.version)
    misfit = "it has another version";
  if (is_dead(creator)) return judge_orphan(search, creator, status.shm_nattch > 0, misfit);
  if (misfit != nullptr) return abandoned(id_, misfit);
  return Found::joined;
}

// The creator is dead. Whoever was attached before us uses the segment, or has found it stale at
// this very moment and is about to take it over: that shows in the creator's word.
Result<Segment::Found> Segment::judge_orphan(const Search& search, std::uint64_t creator,
                                             bool is_used, const char* misfit) {
  if (is_used) {
    if (const auto woken = wait_on(header().creator, creator, search.deadline); !woken)
      return std::unexpected(woken.error());
    shmid_ds status{};
    if (::shmctl(id_, IPC_STAT, &status) != 0) return fail("shmctl", {{{"id", id_}}});
    is_used = status.shm_nattch > 1;
  }
  if (!is_used && search.stale == OnStale::recreate) return recreate(creator);
  if (misfit != nullptr) return abandoned(id_, misfit);
  if (!is_used && search.stale == OnStale::fail)
    return abandoned(id_, "left by a dead run: its creator is dead, nobody is attached");
  return take_over(creator) ? Found::joined : Found::look_again;
}

// Found::removed: the key is free. State "being made" keeps others waiting meanwhile; should we die
// here they find it abandoned.
Result<Segment::Found> Segment::recreate(std::uint64_t creator) {
  if (!take_over(creator)) return Found::look_again;
  SharedWord(header().state).store(kBeingMade, std::memory_order_release);
  const auto removed = remove();
  if (!removed && removed.error().kind != Kind::removed) return std::unexpected(removed.error());
  return Found::removed;
}

// From a dead creator to us; false if somebody else was faster.
bool Segment::take_over(std::uint64_t creator) {
  if (!SharedWord(header().creator).compare_exchange_strong(creator, pack(me_))) return false;
  is_owner_ = true;
  wake_all(header().creator);
  return true;
}

// Asking /proc about ourselves would be a waste.
bool Segment::is_dead(std::uint64_t creator) const {
  return creator != pack(me_) && !is_alive(unpack(creator));
}

std::span<std::byte> Segment::bytes() const {
  return {static_cast<std::byte*>(base_) + sizeof(Header), size_};
}

Result<> Segment::check() const {
  shmid_ds status{};
  if (::shmctl(id_, IPC_STAT, &status) != 0)
    return fail(is_gone(errno) ? Kind::removed : kind_of(errno), errno, "shmctl", {{{"id", id_}}});
  if ((status.shm_perm.mode & SHM_DEST) != 0)
    return fail(Kind::removed, 0, "check_segment", {{{"id", id_}}},
                "it is marked for removal; its key may give another one now");
  return {};
}

Result<> Segment::remove() {
  is_owner_ = false;
  if (::shmctl(id_, IPC_RMID, nullptr) != 0)
    return fail(is_gone(errno) ? Kind::removed : kind_of(errno), errno, "shmctl", {{{"id", id_}}});
  if (base_ == nullptr) return {};
  SharedWord(header().state).store(kGone, std::memory_order_release);
  wake_all(header().state);
  return {};
}

Segment::Segment(Segment&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      base_(std::exchange(other.base_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      me_(other.me_),
      is_owner_(std::exchange(other.is_owner_, false)) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  if (this != &other) {
    end();
    id_ = std::exchange(other.id_, -1);
    base_ = std::exchange(other.base_, nullptr);
    size_ = std::exchange(other.size_, 0);
    me_ = other.me_;
    is_owner_ = std::exchange(other.is_owner_, false);
  }
  return *this;
}

Segment::~Segment() { end(); }

void Segment::end() {
  // A forked child holds a copy of the handle, and must not remove what its parent uses.
  // Already removed by somebody else is as good.
  if (is_owner_ && ::getpid() == me_.pid) static_cast<void>(remove());
  if (base_ != nullptr) ::shmdt(base_);
  base_ = nullptr;
}

}  // namespace ipc
