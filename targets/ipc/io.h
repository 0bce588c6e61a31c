// Bytes through any descriptor, with a deadline, over partial transfers, and without SIGPIPE.
// Must not change what other processes see: never sets O_NONBLOCK, which belongs to the open file
// description and not to the descriptor (fcntl(2)), and never changes a signal's disposition.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/on_signal.h"

namespace ipc {

// How a descriptor may be used so that no call outlives its deadline.
enum class Access : std::uint8_t {
  // Not ours, may be blocking (an inherited stdin): poll first, write at most PIPE_BUF at a time.
  // If another
  // process takes the bytes between poll() and read(), the read sleeps past the deadline
  // (select(2), BUGS).
  foreign,
  nonblocking,  // O_NONBLOCK is set and everybody who shares the description expects it
  socket,       // a stream socket: MSG_DONTWAIT and MSG_NOSIGNAL on each call
};

struct IoPolicy {
  Access access = Access::foreign;
  OnSignal on_signal = OnSignal::retry;
};

// Outcome of an operation on many bytes. `bytes` says how far it came, whatever the end.
struct Transfer {
  enum class End : std::uint8_t {
    complete,    // all bytes asked for
    eof,         // end of stream, and not one byte before it
    eof_inside,  // end of stream after `bytes` of the bytes asked for
    failed,      // see `error`
  };
  End end = End::complete;
  std::size_t bytes = 0;
  Error error{};  // only for End::failed

  bool complete() const { return end == End::complete; }
};

// Waits until poll(2) reports any of `events` (POLLIN, POLLOUT) or that the other side is gone.
// would_block, timed_out at the deadline; interrupted; bad_argument where fd is not open.
Result<> wait_ready(int fd, short events, Deadline deadline, OnSignal on_signal = OnSignal::retry);

// 1 .. buffer.size() bytes as soon as some are there; 0 at the end of the stream, or for an empty
// buffer. peer_gone: a socket was reset. Sources: read(2), recv(2), pipe(7).
Result<std::size_t> read_some(int fd, std::span<char> buffer, Deadline deadline,
                              IoPolicy policy = {});

// Fills the buffer. The deadline is for all of it.
Transfer read_exact(int fd, std::span<char> buffer, Deadline deadline, IoPolicy policy = {});

// 1 .. bytes.size() bytes as soon as there is room; 0 only for no bytes.
// peer_gone: no reader is left (EPIPE). Sources: write(2), send(2), pipe(7).
Result<std::size_t> write_some(int fd, std::string_view bytes, Deadline deadline,
                               IoPolicy policy = {});

// Writes all of `bytes`. After a failure, Transfer::bytes of them have been written: never send
// those again.
Transfer write_all(int fd, std::string_view bytes, Deadline deadline, IoPolicy policy = {});

// Kind::would_block for Deadline::now(), else Kind::timed_out.
Failure expired(const Deadline& deadline, const char* call, int fd);

}  // namespace ipc
