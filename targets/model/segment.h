// The obvious in-memory twin of a namespace's System V shared memory (shmget(2), shmop(2),
// shmctl(2), Linux): which segment a key names, who is attached, what removal does. One user, who
// may do all. Makes no system call; its ids are its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <string>

#include "targets/model/outcome.h"

namespace model {

struct SegmentLimits {
  std::size_t shmmax = static_cast<std::size_t>(-1) - (std::size_t{1} << 24);  // kernel.shmmax
  std::size_t shmmni = 4096;                                                   // kernel.shmmni
};

class Segments {
 public:
  struct Segment {
    key_t key;
    std::string bytes;  // its size is shm_segsz
    std::size_t attached = 0;
    bool is_marked = false;  // for removal: SHM_DEST
  };

  explicit Segments(SegmentLimits limits = {}) : limits_(limits) {}

  // The id, from 0.
  Outcome get(key_t key, std::size_t size, int flags);
  // `offset` is the address asked for modulo a page: 0 for any that the kernel takes.
  Outcome attach(int id, std::size_t offset = 0, int flags = 0);
  // EINVAL unless somebody is attached.
  Outcome detach(int id);
  // Goes with the last detach; its key is free at once.
  Outcome remove(int id);
  // nullptr: no such segment (any more): IPC_STAT gives EINVAL.
  Segment* find(int id);
  std::size_t count() const { return segments_.size(); }

 private:
  std::map<int, Segment> segments_;
  int next_id_ = 0;
  SegmentLimits limits_;
};

}  // namespace model
