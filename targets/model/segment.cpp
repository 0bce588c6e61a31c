// SPDX-License-Identifier: MIT
#include "targets/model/segment.h"

#include <sys/ipc.h>
#include <sys/shm.h>

#include <algorithm>
#include <cerrno>

namespace model {
namespace {

Outcome fails(int error) { return {-1, error}; }

}  // namespace

Outcome Segments::get(key_t key, std::size_t size, int flags) {
  if (key != IPC_PRIVATE) {
    const auto found = std::ranges::find_if(
        segments_, [key](const auto& entry) { return entry.second.key == key; });
    if (found != segments_.end()) {
      if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) return fails(EEXIST);
      if (size > found->second.bytes.size()) return fails(EINVAL);
      return {found->first, 0};
    }
    if ((flags & IPC_CREAT) == 0) return fails(ENOENT);
  }
  if (size == 0 || size > limits_.shmmax) return fails(EINVAL);
  if (segments_.size() >= limits_.shmmni) return fails(ENOSPC);
  segments_.emplace(next_id_, Segment{.key = key, .bytes = std::string(size, '\0')});
  return {next_id_++, 0};
}

Outcome Segments::attach(int id, std::size_t offset, int flags) {
  if (offset != 0 && (flags & SHM_RND) == 0) return fails(EINVAL);
  Segment* const segment = find(id);
  if (segment == nullptr) return fails(EINVAL);
  ++segment->attached;
  return {};
}

Outcome Segments::detach(int id) {
  Segment* const segment = find(id);
  if (segment == nullptr || segment->attached == 0) return fails(EINVAL);
  if (--segment->attached == 0 && segment->is_marked) segments_.erase(id);
  return {};
}

Outcome Segments::remove(int id) {
  Segment* const segment = find(id);
  if (segment == nullptr) return fails(EINVAL);
  segment->is_marked = true;
  segment->key = IPC_PRIVATE;  // nobody finds it by its key from now on
  if (segment->attached == 0) segments_.erase(id);
  return {};
}

Segments::Segment* Segments::find(int id) {
  const auto found = segments_.find(id);
  return found == segments_.end() ? nullptr : &found->second;
}

}  // namespace model
