// System V message queue: create or open, send, receive by type, with deadlines that the kernel
// does not have and with failures as values. Must not outlive its creator unseen: the creator's
// handle removes the queue.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>
#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/message.h"
#include "targets/ipc/on_signal.h"

namespace ipc {

// What to do on opening a queue that still holds messages of a sender that has ended.
enum class OnStale { fail, drain, recreate };

// What to do with a text longer than the receiver takes: leave it queued and report, or cut it
// (MSG_NOERROR).
enum class OnLong { refuse, cut };

// Which message to take (msgop(2)). Types must be > 0.
struct Selection {
  enum class Rule { any, exactly, lowest_up_to, all_except };
  Rule rule = Rule::any;
  long type = 0;

  static Selection any() { return {}; }
  static Selection exactly(long type) { return {Rule::exactly, type}; }
  static Selection lowest_up_to(long type) { return {Rule::lowest_up_to, type}; }
  static Selection all_except(long type) { return {Rule::all_except, type}; }
};

struct QueueStatus {
  std::size_t messages = 0;
  std::size_t bytes = 0;
  std::size_t capacity_bytes = 0;
  pid_t last_sender = 0;  // 0: none, or in another PID namespace
  pid_t last_receiver = 0;
};

class MessageQueue {
 public:
  static constexpr std::size_t kDefaultMost = 8192;  // MSGMAX as Linux ships it
  static constexpr std::size_t kMostBytes = 16
                                            << 20;  // beyond it a size is a mistake: bad_argument

  // A queue without a key, for processes that inherit the id.
  static Result<MessageQueue> create_private();
  // A new queue. Errors: exists, no_space (MSGMNI), permission.
  static Result<MessageQueue> create(key_t key);
  // An existing queue. Errors: not_found; permission, also where others than its owner may write
  // it; stale under OnStale::fail.
  static Result<MessageQueue> open(key_t key, OnStale on_stale = OnStale::fail);
  // Whichever is right; the one that created it owns it.
  static Result<MessageQueue> create_or_open(key_t key, OnStale on_stale = OnStale::fail);
  // A handle on a queue known by id (inherited, or told by a peer); does not own it.
  static MessageQueue from_id(int id) { return MessageQueue(id, IPC_PRIVATE, false); }

  MessageQueue(MessageQueue&& other) noexcept;
  MessageQueue& operator=(MessageQueue&& other) noexcept;
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;
  ~MessageQueue();

  // A message is sent whole or not at all. Errors: bad_argument (type < 1, refused before the
  // kernel sees it), too_big (above MSGMAX), would_block and timed_out (queue full), removed,
  // permission, interrupted (report only).
  Result<> send(const Message& message, Deadline deadline, OnSignal on_signal = OnSignal::retry);

  // Errors: bad_argument (type of the selection < 1), would_block and timed_out (no such message),
  // too_big (longer than most_bytes; it stays queued), removed, permission, interrupted (report
  // only).
  Result<Message> receive(Selection selection, Deadline deadline,
                          std::size_t most_bytes = kDefaultMost, OnLong on_long = OnLong::refuse,
                          OnSignal on_signal = OnSignal::retry);

  // A copy of the message at a place (0: the oldest), which stays queued. Errors: would_block
  // (fewer messages are there), too_big, system (ENOSYS: a kernel without checkpoint/restore).
  Result<Message> peek(std::size_t index, std::size_t most_bytes = kDefaultMost);

  Result<QueueStatus> status() const;
  // Above kernel.msgmnb: permission, unless privileged. Below what is queued is allowed: sends wait
  // (msgctl(2)).
  Result<> set_capacity(std::size_t bytes);
  // False when the queue was removed, also when another was made under its key since: that one has
  // a new id.
  Result<bool> exists() const;

  // Removes the queue for everybody; waiters get Kind::removed.
  Result<> remove();
  // Gives up ownership: the destructor leaves the queue.
  void keep() { is_owner_ = false; }

  int id() const { return id_; }
  bool is_owner() const { return is_owner_; }

 private:
  MessageQueue(int id, key_t key, bool is_owner) : id_(id), key_(key), is_owner_(is_owner) {}

  template <class Call>
  Result<long> wait(const char* call, Argument argument, Deadline deadline, OnSignal on_signal,
                    Call run);
  Result<long> receive_raw(long msgtyp, int flags, Argument argument, Deadline deadline,
                           std::size_t most_bytes, OnSignal on_signal);
  static Result<MessageQueue> settle_stale(MessageQueue queue, OnStale on_stale);
  Result<> drain(std::size_t most_messages);
  Failure failed(const char* call, Argument argument) const;

  int id_;
  key_t key_;
  bool is_owner_;
  void make_room(std::size_t text_bytes);
  // struct msgbuf: a long, then the text. Not zeroed: what the kernel did not fill is nobody's.
  std::unique_ptr<char[]> buffer_;
  std::size_t room_bytes_ = 0;
};

}  // namespace ipc
