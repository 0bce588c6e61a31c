// The obvious in-memory twin of a System V message queue (msgop(2), msgctl(2), Linux). Makes no
// system call and never sleeps: where the kernel would, it answers EAGAIN or ENOMSG, as with
// IPC_NOWAIT.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "targets/model/outcome.h"

namespace model {

struct QueueLimits {
  std::size_t msgmax = 8192;   // kernel.msgmax
  std::size_t msgmnb = 16384;  // kernel.msgmnb: msg_qbytes of a new queue
};

class Queue {
 public:
  struct Stored {
    long type;
    std::string text;
  };

  explicit Queue(QueueLimits limits = {}) : limits_(limits), capacity_(limits.msgmnb) {}

  // size as the kernel sees it, signed: negative is EINVAL. `text` holds at least max(size, 0)
  // bytes.
  Outcome send(long type, const std::string& text, long size);
  // On success *out is the message, cut to `size` under MSG_NOERROR.
  Outcome receive(long size, long msgtyp, int flags, Stored* out);
  // IPC_SET of msg_qbytes by a privileged process.
  void set_capacity(std::size_t bytes) { capacity_ = bytes; }
  // After removal every call gives EINVAL.
  void remove();

  bool is_removed() const { return is_removed_; }
  std::size_t messages() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t capacity() const { return capacity_; }
  const Stored& at(std::size_t index) const { return messages_[index]; }
  void clear();

 private:
  std::vector<Stored>::iterator find(long msgtyp, int flags);

  QueueLimits limits_;
  std::size_t capacity_;
  std::size_t bytes_ = 0;
  bool is_removed_ = false;
  std::vector<Stored> messages_;
};

}  // namespace model
