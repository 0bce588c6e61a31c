// SPDX-License-Identifier: MIT
#include "targets/ipc/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace ipc {

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  // O_NONBLOCK here is not seen by strangers: the two descriptions are new.
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail("pipe2");
  return Pipe{.reader = Fd(ends[0]), .writer = Fd(ends[1])};
}

Result<OneWay> OneWay::make() {
  Result<Pipe> pipe = make_pipe();
  if (!pipe) return std::unexpected(std::move(pipe.error()));
  return OneWay(std::move(*pipe));
}

Receiver OneWay::keep_reader() && {
  pipe_.writer.close();
  return Receiver(std::move(pipe_.reader));
}

Sender OneWay::keep_writer() && {
  pipe_.reader.close();
  return Sender(std::move(pipe_.writer));
}

Result<TwoWay> TwoWay::make() {
  Result<Pipe> forth = make_pipe();
  if (!forth) return std::unexpected(std::move(forth.error()));
  Result<Pipe> back = make_pipe();
  if (!back) return std::unexpected(std::move(back.error()));
  return TwoWay(std::move(*forth), std::move(*back));
}

Duplex TwoWay::keep_first() && { return keep(back_, forth_); }

Duplex TwoWay::keep_second() && { return keep(forth_, back_); }

Duplex TwoWay::keep(Pipe& in, Pipe& out) {
  in.writer.close();
  out.reader.close();
  return {.in = Receiver(std::move(in.reader)), .out = Sender(std::move(out.writer))};
}

}  // namespace ipc
