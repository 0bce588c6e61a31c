// SPDX-License-Identifier: MIT
#include "targets/ipc/frame_io.h"

#include <utility>

namespace ipc {

Result<std::optional<Message>> MessageReader::receive(Deadline deadline) {
  if (chunk_.empty()) chunk_.resize(kChunk);
  while (true) {
    std::string_view rest(chunk_.data() + rest_at_, rest_size_);
    Result<std::optional<Message>> message = decoder_.next(rest);
    rest_at_ += rest_size_ - rest.size();
    rest_size_ = rest.size();
    if (!message || message->has_value()) return message;
    const Result<std::size_t> count = read_some(fd_, chunk_, deadline, policy_);
    if (!count) return std::unexpected(count.error());
    if (*count == 0) {
      if (Result<> clean = decoder_.finish(); !clean) return std::unexpected(clean.error());
      return std::nullopt;
    }
    rest_at_ = 0;
    rest_size_ = *count;
  }
}

Result<> MessageWriter::send(const Message& message, Deadline deadline) {
  if (unsent() > 0)
    return fail(Kind::bad_argument, 0, "send", {{{"unsent", static_cast<long>(unsent())}}},
                "flush() the message before first");
  Result<std::string> frame = encode(message, max_payload_);
  if (!frame) return std::unexpected(std::move(frame.error()));
  frame_ = std::move(*frame);
  written_ = 0;
  Result<> sent = flush(deadline);
  if (written_ == 0) frame_.clear();
  return sent;
}

Result<> MessageWriter::flush(Deadline deadline) {
  const std::string_view rest = std::string_view(frame_).substr(written_);
  Transfer done = write_all(fd_, rest, deadline, policy_);
  written_ += done.bytes;
  if (done.complete()) return {};
  if (done.error.kind == Kind::peer_gone) written_ = frame_.size();  // nobody can read the rest
  return std::unexpected(std::move(done.error));
}

}  // namespace ipc
