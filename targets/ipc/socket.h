// Messages and descriptors through Unix sockets: a connected socket of kind stream or seqpacket.
// Listening: listener.h. Must not block past a deadline, raise SIGPIPE, or let a descriptor that a
// peer sent stay open unowned.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/frame.h"
#include "targets/ipc/message.h"
#include "targets/ipc/on_signal.h"

namespace ipc {

enum class SocketKind : std::uint8_t {
  // Messages are frames in a stream; one of any size up to the limit can be sent in parts.
  stream,
  // A message is one packet, sent whole or not at all; at most about net.core.wmem_default bytes.
  seqpacket,
};

// The process that made, or connected, the other end (SO_PEERCRED, unix(7)); pid 0 if it is not
// visible from here.
struct Credentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Received {
  Message message;
  std::vector<Fd> fds;  // CLOEXEC
};

struct SocketOptions {
  std::size_t max_payload = std::size_t{64} << 10;
  OnSignal on_signal = OnSignal::retry;
};

// Descriptors in one message; the kernel's own limit is 253 (unix(7)).
constexpr std::size_t kMaxFds = 16;
// sun_path without its terminator (unix(7)).
constexpr std::size_t kMaxSocketPath = 107;

class Connection {
 public:
  // not_found: no such name; peer_gone: nobody listens there (a stale socket); wrong_type: not a
  // socket, or one of another kind; bad_argument: empty or too long a path; would_block, timed_out:
  // the backlog stayed full; permission.
  static Result<Connection> connect(const std::string& path, SocketKind kind, Deadline deadline,
                                    SocketOptions options = {});
  static Result<std::pair<Connection, Connection>> pair(SocketKind kind,
                                                        SocketOptions options = {});
  Connection(Fd fd, SocketKind kind, SocketOptions options = {});

  // As MessageWriter::send(). The peer gets duplicates of `fds`; the caller's stay open.
  // bad_argument: more than kMaxFds, or not open. too_big: above the limit, or for seqpacket above
  // what the send buffer takes.
  Result<> send(const Message& message, Deadline deadline, std::span<const int> fds = {});
  Result<> flush(Deadline deadline);
  std::size_t unsent() const { return frame_.size() - written_; }

  // The next message with the first max_fds of its descriptors; others are closed. Nothing at the
  // peer's end. truncated: a stream ended inside a message, or descriptors of this message were
  // lost (MSG_CTRUNC): that message is dropped, later ones come. too_big, corrupt: for a stream for
  // good, for seqpacket this packet only. peer_gone: the peer closed without reading all
  // (ECONNRESET). would_block, timed_out, interrupted: call again.
  Result<std::optional<Received>> receive(Deadline deadline, std::size_t max_fds = 0);

  Result<Credentials> peer() const;
  // Says the end to the peer; receiving goes on (shutdown(2)).
  Result<> end_sending();
  int fd() const { return fd_.get(); }  // for poll(2) only
  void close() { fd_.close(); }

 private:
  Result<std::size_t> send_first(std::span<const int> fds, const Deadline& deadline);
  Result<std::size_t> receive_bytes(std::span<char> buffer, const Deadline& deadline);
  void adopt(std::span<const int> numbers);
  Result<std::optional<Received>> receive_packet(const Deadline& deadline, std::size_t max_fds);
  Result<std::optional<Received>> receive_frame(const Deadline& deadline, std::size_t max_fds);
  Result<std::optional<Received>> deliver(Message message, std::size_t max_fds);
  void forget_fds();

  // Descriptors that arrived with some bytes; `are_lost`: not all of them did.
  struct Arrived {
    std::vector<Fd> fds;
    bool are_lost = false;
  };

  Fd fd_;
  SocketKind kind_;
  SocketOptions options_;
  std::string frame_;  // what is being sent
  std::size_t written_ = 0;
  FrameDecoder decoder_;
  std::string chunk_;  // what was received last
  std::size_t rest_at_ = 0;
  std::size_t rest_size_ = 0;  // bytes of chunk_ that are not decoded yet
  bool was_cut_ = false;       // MSG_TRUNC on the last packet
  Arrived begun_;              // belong to the message whose begin is in the decoder
  Arrived newest_;             // belong to the message that has the last byte of chunk_
};

}  // namespace ipc
