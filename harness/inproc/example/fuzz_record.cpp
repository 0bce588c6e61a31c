// What was sent arrives, whatever the kernel does to each read() of it. The first bytes of the
// input choose what that is, the rest is the text.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "harness/core/check.h"
#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pipewrench::Guard guard;  // aborts when this input leaves anything behind
  const std::span input(data, size);
  const auto choices = input.first(std::min<std::size_t>(size, 4));
  const auto text =
      input.subspan(choices.size()).first(std::min<std::size_t>(size - choices.size(), RECORD_MAX));

  std::array<int, 2> ends{};
  CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
  CHECK(record_send(ends[1], text.data(), text.size()) == 0);
  std::array<std::uint8_t, RECORD_MAX> received{};
  ssize_t count = 0;
  {
    pipewrench::Faults faults(choices);  // until here every call was the real one
    count = record_receive(ends[0], received.data());
  }
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(count == static_cast<ssize_t>(text.size()));
  CHECK(std::memcmp(received.data(), text.data(), text.size()) == 0);
  return 0;
}
