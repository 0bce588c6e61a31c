// SPDX-License-Identifier: MIT
#include "targets/model/queue.h"

#include <sys/ipc.h>
#include <sys/msg.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace model {
namespace {

#ifndef MSG_COPY
constexpr int MSG_COPY = 040000;  // linux/msg.h
#endif

Outcome fails(int error) { return {-1, error}; }

}  // namespace

void Queue::remove() {
  clear();
  is_removed_ = true;
}

void Queue::clear() {
  messages_.clear();
  bytes_ = 0;
}

Outcome Queue::send(long type, const std::string& text, long size) {
  if (size < 0 || size > static_cast<long>(limits_.msgmax)) return fails(EINVAL);
  if (type < 1 || is_removed_) return fails(EINVAL);
  const auto length = static_cast<std::size_t>(size);
  // A queue is full by bytes, and by as many messages as it may hold bytes.
  if (bytes_ + length > capacity_ || messages_.size() + 1 > capacity_) return fails(EAGAIN);
  messages_.push_back({type, text.substr(0, length)});
  bytes_ += length;
  return {};
}

// Linux: LONG_MIN has no absolute value and counts as LONG_MAX; MSG_COPY takes msgtyp as an index.
std::vector<Queue::Stored>::iterator Queue::find(long msgtyp, int flags) {
  if ((flags & MSG_COPY) != 0)
    return msgtyp >= 0 && msgtyp < static_cast<long>(messages_.size()) ? messages_.begin() + msgtyp
                                                                       : messages_.end();
  if (msgtyp == 0) return messages_.begin();
  if (msgtyp > 0) {
    const bool wants_equal = (flags & MSG_EXCEPT) == 0;
    return std::ranges::find_if(
        messages_, [&](const Stored& stored) { return (stored.type == msgtyp) == wants_equal; });
  }
  const long most = msgtyp == LONG_MIN ? LONG_MAX : -msgtyp;
  const auto lowest =
      std::ranges::min_element(messages_, {}, &Stored::type);  // the first of equals
  return lowest != messages_.end() && lowest->type <= most ? lowest : messages_.end();
}

Outcome Queue::receive(long size, long msgtyp, int flags, Stored* out) {
  if (size < 0) return fails(EINVAL);
  const bool copies = (flags & MSG_COPY) != 0;
  if (copies && ((flags & MSG_EXCEPT) != 0 || (flags & IPC_NOWAIT) == 0)) return fails(EINVAL);
  if (is_removed_) return fails(EINVAL);
  const auto found = find(msgtyp, flags);
  if (found == messages_.end()) return fails(ENOMSG);
  const auto most = static_cast<std::size_t>(size);
  const bool is_longer = found->text.size() > most;
  if (is_longer && (flags & MSG_NOERROR) == 0) return fails(E2BIG);
  if (is_longer && copies) return fails(EINVAL);  // copy_msg() does not cut
  *out = {found->type, found->text.substr(0, most)};
  if (!copies) {
    bytes_ -= found->text.size();
    messages_.erase(found);
  }
  return {static_cast<long>(out->text.size()), 0};
}

}  // namespace model
