// Messages as frames through any descriptor that carries a stream: pipe, FIFO, stream socket,
// inherited stdin. Both classes borrow the descriptor: it must stay open while they use it, and
// nobody else may read from it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/frame.h"
#include "targets/ipc/io.h"
#include "targets/ipc/message.h"

namespace ipc {

class MessageReader {
 public:
  explicit MessageReader(int fd, IoPolicy policy = {}, std::size_t max_payload = kMaxPayload)
      : fd_(fd), policy_(policy), decoder_(max_payload) {}

  // The next message; nothing at an end of the stream between messages.
  // truncated: the stream ended inside a message; corrupt, too_big: for good, the stream cannot be
  // read on; would_block, timed_out, interrupted: call again, nothing is lost; peer_gone: a socket
  // was reset.
  Result<std::optional<Message>> receive(Deadline deadline);

  // Bytes read from the descriptor that no message returned so far contains.
  std::size_t held() const { return rest_size_ + decoder_.held(); }

 private:
  static constexpr std::size_t kChunk = 8192;

  int fd_;
  IoPolicy policy_;
  FrameDecoder decoder_;
  std::string chunk_;  // kChunk bytes from the first receive() on
  std::size_t rest_at_ = 0;
  std::size_t rest_size_ = 0;  // bytes of chunk_ that are not decoded yet
};

class MessageWriter {
 public:
  explicit MessageWriter(int fd, IoPolicy policy = {}, std::size_t max_payload = kMaxPayload)
      : fd_(fd), policy_(policy), max_payload_(max_payload) {}

  // Writes one message. After would_block, timed_out or interrupted look at unsent(): if it is 0
  // the message was not taken, send it again; else its begin is on the wire and the rest is kept:
  // flush() until it is 0, never send it again. bad_argument: unsent() is not 0. too_big: not
  // taken. peer_gone: no reader is left, the rest is dropped.
  Result<> send(const Message& message, Deadline deadline);
  // Writes the rest of a message that send() could only begin; nothing to do is success. Errors as
  // send().
  Result<> flush(Deadline deadline);
  // Bytes that are kept of a message whose begin is written.
  std::size_t unsent() const { return frame_.size() - written_; }

 private:
  int fd_;
  IoPolicy policy_;
  std::size_t max_payload_;
  std::string frame_;  // the message that is partly written
  std::size_t written_ = 0;
};

}  // namespace ipc
