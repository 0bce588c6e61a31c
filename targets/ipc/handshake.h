// How two processes learn each other's PID through a FIFO, and signal each other afterwards.
// Must not signal a number: only a pidfd that was checked to be the process that wrote.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <climits>
#include <cstddef>
#include <span>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/process.h"

namespace ipc {

// Another process, held by a pidfd (pidfd_open(2)): its number cannot come to mean another one.
class Peer {
 public:
  // bad_argument: a PID below 2, this process itself, or no start time. peer_gone: it has ended.
  // stale: the PID now belongs to another process. permission: another user's process.
  static Result<Peer> verify(ProcessId claimed);

  pid_t pid() const { return id_.pid; }
  ProcessId id() const { return id_; }
  bool alive() const;  // false once it has ended, reaped or not
  // peer_gone where it has ended. Success means queued, not handled: see Signal (signal.h).
  // bad_argument: no signal's number (0 included).
  Result<> notify(int signal) const;
  int fd() const { return pidfd_.get(); }  // readable once it has ended: for wait_any() (wait.h)

 private:
  Peer(ProcessId id, Fd pidfd) : id_(id), pidfd_(std::move(pidfd)) {}

  ProcessId id_;
  Fd pidfd_;
};

// On the wire, both processes being on one machine in its byte order: magic u32, version u16,
// size u16, PID i32, checksum u32 of all the rest, start time u64.
constexpr std::size_t kGreetingBytes = 24;
static_assert(kGreetingBytes <= PIPE_BUF, "then write(2) is all or nothing (pipe(7))");

std::array<char, kGreetingBytes> encode_greeting(ProcessId id);
// truncated: fewer bytes. corrupt: anything else, also a PID that cannot be a peer's.
Result<ProcessId> decode_greeting(std::span<const char> bytes);

// Tells this process's identity through an end made by Fifo::open_writer().
// peer_gone: nobody reads. would_block, timed_out: the FIFO is full; nothing was written.
Result<> greet(const Fd& writer, Deadline deadline);

// Reads one greeting from an end made by Fifo::open_reader() and verifies who wrote it.
// peer_gone: the stream ended before one, or the writer has ended since. truncated, corrupt: the
// stream cannot be read on. Else as Peer::verify(): the next greeting can be read.
Result<Peer> meet(const Fd& reader, Deadline deadline);

}  // namespace ipc
