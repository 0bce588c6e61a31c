// Pipes, and sessions over them: one-way and two-way streams of messages between a process and its
// child. Must not leave an end open where it is not used: a reader that also holds the write end
// never sees the end (pipe(7)).
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/frame_io.h"
#include "targets/ipc/io.h"
#include "targets/ipc/message.h"

namespace ipc {

// For ends made by make_pipe().
constexpr IoPolicy kPipePolicy{.access = Access::nonblocking, .on_signal = OnSignal::retry};

// Both ends CLOEXEC and non-blocking. An end that becomes a foreign program's standard stream must
// be made blocking first. no_space: too many descriptors, or too many pipe pages of this user
// (pipe(2), pipe(7)).
struct Pipe {
  Fd reader;
  Fd writer;
};
Result<Pipe> make_pipe();

// The reading side of a session. Errors of receive(): see MessageReader.
class Receiver {
 public:
  explicit Receiver(Fd fd, IoPolicy policy = kPipePolicy, std::size_t max_payload = kMaxPayload)
      : fd_(std::move(fd)), reader_(fd_.get(), policy, max_payload) {}

  Result<std::optional<Message>> receive(Deadline deadline) { return reader_.receive(deadline); }
  int fd() const { return fd_.get(); }  // for poll(2) only
  std::size_t held() const { return reader_.held(); }
  void close() { fd_.close(); }

 private:
  Fd fd_;
  MessageReader reader_;
};

// The writing side of a session. Errors of send() and flush(): see MessageWriter.
class Sender {
 public:
  explicit Sender(Fd fd, IoPolicy policy = kPipePolicy, std::size_t max_payload = kMaxPayload)
      : fd_(std::move(fd)), writer_(fd_.get(), policy, max_payload) {}

  Result<> send(const Message& message, Deadline deadline) {
    return writer_.send(message, deadline);
  }
  Result<> flush(Deadline deadline) { return writer_.flush(deadline); }
  std::size_t unsent() const { return writer_.unsent(); }
  int fd() const { return fd_.get(); }  // for poll(2) only
  // Ends the stream: the other side reads what was written, then the end.
  void close() { fd_.close(); }

 private:
  Fd fd_;
  MessageWriter writer_;
};

// One pipe. Make it, fork, then call one keep_ function in each process: it closes the other end
// there.
class OneWay {
 public:
  static Result<OneWay> make();
  Receiver keep_reader() &&;
  Sender keep_writer() &&;

 private:
  explicit OneWay(Pipe pipe) : pipe_(std::move(pipe)) {}
  Pipe pipe_;
};

// One side of a two-way session.
struct Duplex {
  Receiver in;
  Sender out;
};

// Two pipes. Make it, fork, then keep one side in each process; both are alike.
class TwoWay {
 public:
  static Result<TwoWay> make();
  Duplex keep_first() &&;
  Duplex keep_second() &&;

 private:
  TwoWay(Pipe forth, Pipe back) : forth_(std::move(forth)), back_(std::move(back)) {}
  static Duplex keep(Pipe& in, Pipe& out);

  Pipe forth_;  // first to second
  Pipe back_;
};

}  // namespace ipc
