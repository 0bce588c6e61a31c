// SPDX-License-Identifier: MIT
#include "targets/ipc/queue.h"

#include <signal.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "targets/ipc/alarm.h"
#include "targets/ipc/process.h"

namespace ipc {
namespace {

constexpr int kMode = 0600;
constexpr int kMostRaces =
    16;  // create_or_open: somebody creates and removes in between, again and again

#ifndef MSG_COPY
constexpr int MSG_COPY = 040000;  // linux/msg.h
#endif

bool others_may_write(const msqid_ds& status) {
  return (status.msg_perm.mode & (S_IWGRP | S_IWOTH)) != 0;
}

// Removed ids answer EINVAL on Linux; EIDRM reaches only those who slept (msgop(2), tried).
Kind kind_on_queue(int error_number) {
  return error_number == EINVAL || error_number == EIDRM ? Kind::removed : kind_of(error_number);
}

// Whether the process that has this PID now started after that second: then the number was given
// out again. Start times count from boot in clock ticks (proc(5)).
bool started_after(const ProcessId& process, time_t second) {
  timespec now{};
  timespec since_boot{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
  const auto age_s = static_cast<time_t>(process.start_ticks) / ::sysconf(_SC_CLK_TCK);
  return now.tv_sec - since_boot.tv_sec + age_s > second + 1;  // the clocks are read a moment apart
}

// A sender of another PID namespace shows as 0: unknown is not dead.
bool sent_by_the_dead(const msqid_ds& status) {
  if (status.msg_qnum == 0 || status.msg_lspid <= 0) return false;
  if (::kill(status.msg_lspid, 0) != 0 && errno == ESRCH) return true;
  if (status.msg_lspid == ::getpid()) return false;
  const auto sender = identify(status.msg_lspid);
  if (!sender) return sender.error().kind == Kind::peer_gone;
  return !is_alive(*sender) || started_after(*sender, status.msg_stime);
}

}  // namespace

MessageQueue::MessageQueue(MessageQueue&& other) noexcept
    : id_(other.id_),
      key_(other.key_),
      is_owner_(std::exchange(other.is_owner_, false)),
      buffer_(std::move(other.buffer_)),
      room_bytes_(std::exchange(other.room_bytes_, 0)) {}

MessageQueue& MessageQueue::operator=(MessageQueue&& other) noexcept {
  if (this == &other) return *this;
  if (is_owner_) (void)remove();
  id_ = other.id_;
  key_ = other.key_;
  is_owner_ = std::exchange(other.is_owner_, false);
  buffer_ = std::move(other.buffer_);
  room_bytes_ = std::exchange(other.room_bytes_, 0);
  return *this;
}

MessageQueue::~MessageQueue() {
  if (is_owner_) (void)remove();
}

Failure MessageQueue::failed(const char* call, Argument argument) const {
  return fail(kind_on_queue(errno), errno, call, {{{"msqid", id_}, argument}});
}

void MessageQueue::make_room(std::size_t text_bytes) {
  const std::size_t wanted = sizeof(long) + text_bytes;
  if (wanted <= room_bytes_) return;
  buffer_ = std::make_unique_for_overwrite<char[]>(wanted);
  room_bytes_ = wanted;
}

Result<MessageQueue> MessageQueue::create_private() { return create(IPC_PRIVATE); }

Result<MessageQueue> MessageQueue::create(key_t key) {
  const int id = ::msgget(key, IPC_CREAT | IPC_EXCL | kMode);
  if (id < 0) return fail("msgget", {{{"key", key}}});
  return MessageQueue(id, key, true);
}

Result<MessageQueue> MessageQueue::open(key_t key, OnStale on_stale) {
  const int id = ::msgget(key, 0);  // asking for no permission bits: the check below says more
  if (id < 0) return fail("msgget", {{{"key", key}}});
  return settle_stale(MessageQueue(id, key, false), on_stale);
}

Result<MessageQueue> MessageQueue::create_or_open(key_t key, OnStale on_stale) {
  Result<MessageQueue> queue = create(key);
  for (int race = 0; race < kMostRaces && !queue; ++race) {
    const Kind kind = queue.error().kind;
    if (kind == Kind::exists)
      queue = open(key, on_stale);
    else if (kind == Kind::not_found || kind == Kind::removed)
      queue = create(key);
    else
      break;
  }
  return queue;
}

Result<MessageQueue> MessageQueue::settle_stale(MessageQueue queue, OnStale on_stale) {
  msqid_ds status{};
  if (::msgctl(queue.id_, IPC_STAT, &status) != 0) return queue.failed("msgctl", {});
  if (others_may_write(status))
    return fail(Kind::permission, 0, "msgget",
                {{{"key", queue.key_}, {"mode", status.msg_perm.mode}}},
                "others may write this queue");
  if (!sent_by_the_dead(status)) return queue;
  switch (on_stale) {
    case OnStale::fail:
      break;
    case OnStale::drain:
      if (auto drained = queue.drain(status.msg_qnum); !drained) return Failure(drained.error());
      return queue;
    case OnStale::recreate:
      if (auto removed = queue.remove(); !removed && removed.error().kind != Kind::removed)
        return Failure(removed.error());
      return create(queue.key_);
  }
  return fail(Kind::stale, 0, "msgget",
              {{{"key", queue.key_},
                {"messages", static_cast<long>(status.msg_qnum)},
                {"lspid", status.msg_lspid}}},
              "messages of a sender that has ended");
}

// Takes what was there, not what a living peer adds meanwhile.
Result<> MessageQueue::drain(std::size_t most_messages) {
  for (std::size_t taken = 0; taken < most_messages; ++taken) {
    const auto message = receive(Selection::any(), Deadline::now(), 0, OnLong::cut);
    if (message) continue;
    if (message.error().kind == Kind::would_block) break;
    return Failure(message.error());
  }
  return {};
}

// Tries without sleeping; only if that is not possible now, and the deadline allows, arms an alarm
// and sleeps. EINTR is the alarm, or a handler of the program: on_signal decides.
template <class Call>
Result<long> MessageQueue::wait(const char* call, Argument argument, Deadline deadline,
                                OnSignal on_signal, Call run) {
  long result = run(IPC_NOWAIT);
  if (result >= 0) return result;
  if ((errno != EAGAIN && errno != ENOMSG) || deadline.is_now()) return failed(call, argument);
  const auto alarm = Alarm::arm(deadline);
  if (!alarm) return Failure(alarm.error());
  for (;;) {
    if (deadline.expired()) return fail(Kind::timed_out, 0, call, {{{"msqid", id_}, argument}});
    result = run(0);
    if (result >= 0) return result;
    if (errno != EINTR || (on_signal == OnSignal::report && !deadline.expired()))
      return failed(call, argument);
  }
}

Result<> MessageQueue::send(const Message& message, Deadline deadline, OnSignal on_signal) {
  const Argument type{"mtype", message.type};
  if (message.type < 1)
    return fail(Kind::bad_argument, 0, "msgsnd", {{{"msqid", id_}, type}}, "mtype must be > 0");
  const std::size_t size = message.payload.size();
  if (size > kMostBytes)
    return fail(Kind::too_big, 0, "msgsnd", {{{"msqid", id_}, {"size", static_cast<long>(size)}}});
  make_room(size);
  std::memcpy(buffer_.get(), &message.type, sizeof(long));
  std::memcpy(buffer_.get() + sizeof(long), message.payload.data(), size);
  const auto sent = wait("msgsnd", type, deadline, on_signal, [&](int flags) -> long {
    return ::msgsnd(id_, buffer_.get(), size, flags);
  });
  if (sent) return {};
  Error error = sent.error();
  // EINVAL is also "longer than MSGMAX" (msgop(2)): ask whether the queue is still there.
  msqid_ds status{};
  if (error.number == EINVAL && ::msgctl(id_, IPC_STAT, &status) == 0) error.kind = Kind::too_big;
  return Failure(std::move(error));
}

Result<long> MessageQueue::receive_raw(long msgtyp, int flags, Argument argument, Deadline deadline,
                                       std::size_t most_bytes, OnSignal on_signal) {
  if (most_bytes > kMostBytes)
    return fail(Kind::bad_argument, 0, "msgrcv", {{{"msqid", id_}, argument}},
                "size beyond reason");
  make_room(most_bytes);
  return wait("msgrcv", argument, deadline, on_signal, [&](int nowait) -> long {
    return ::msgrcv(id_, buffer_.get(), most_bytes, msgtyp, flags | nowait);
  });
}

namespace {

Message to_message(const char* buffer, long size) {
  Message message;
  std::memcpy(&message.type, buffer, sizeof(long));
  message.payload.assign(buffer + sizeof(long), static_cast<std::size_t>(size));
  return message;
}

}  // namespace

Result<Message> MessageQueue::receive(Selection selection, Deadline deadline,
                                      std::size_t most_bytes, OnLong on_long, OnSignal on_signal) {
  const Argument type{"msgtyp", selection.type};
  if (selection.rule != Selection::Rule::any && selection.type < 1)
    return fail(Kind::bad_argument, 0, "msgrcv", {{{"msqid", id_}, type}}, "mtype must be > 0");
  long msgtyp = selection.type;
  int flags = on_long == OnLong::cut ? MSG_NOERROR : 0;
  switch (selection.rule) {
    case Selection::Rule::any:
      msgtyp = 0;
      break;
    case Selection::Rule::exactly:
      break;
    case Selection::Rule::lowest_up_to:
      msgtyp = -msgtyp;
      break;
    case Selection::Rule::all_except:
      flags |= MSG_EXCEPT;
      break;
  }
  const auto size = receive_raw(msgtyp, flags, type, deadline, most_bytes, on_signal);
  if (!size) return Failure(size.error());
  return to_message(buffer_.get(), *size);
}

Result<Message> MessageQueue::peek(std::size_t index, std::size_t most_bytes) {
  const auto place = static_cast<long>(index);
  const auto size =
      receive_raw(place, MSG_COPY, {"index", place}, Deadline::now(), most_bytes, OnSignal::retry);
  if (!size) return Failure(size.error());
  return to_message(buffer_.get(), *size);
}

Result<QueueStatus> MessageQueue::status() const {
  msqid_ds status{};
  if (::msgctl(id_, IPC_STAT, &status) != 0) return failed("msgctl", {});
  return QueueStatus{.messages = status.msg_qnum,
                     .bytes = status.__msg_cbytes,
                     .capacity_bytes = status.msg_qbytes,
                     .last_sender = status.msg_lspid,
                     .last_receiver = status.msg_lrpid};
}

Result<> MessageQueue::set_capacity(std::size_t bytes) {
  msqid_ds status{};
  if (::msgctl(id_, IPC_STAT, &status) != 0) return failed("msgctl", {});
  status.msg_qbytes = bytes;
  if (::msgctl(id_, IPC_SET, &status) != 0)
    return failed("msgctl", {"msg_qbytes", static_cast<long>(bytes)});
  return {};
}

Result<bool> MessageQueue::exists() const {
  msqid_ds status{};
  if (::msgctl(id_, IPC_STAT, &status) != 0) {
    if (kind_on_queue(errno) == Kind::removed) return false;
    return failed("msgctl", {});
  }
  return true;
}

Result<> MessageQueue::remove() {
  is_owner_ = false;
  if (::msgctl(id_, IPC_RMID, nullptr) != 0) return failed("msgctl", {});
  return {};
}

}  // namespace ipc
