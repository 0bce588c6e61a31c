// Lets an input choose what the wrapped system calls of this thread do wrong, out of the table in
// harness/syscalls. Works on code linked by pipewrench_fuzz_target(), which is compiled unchanged.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "harness/syscalls/table.h"

namespace pipewrench {

// While it lives, each wrapped call of this thread takes one byte of `choices`, in order:
//   0        the real call
//   n > 0    fault (n-1) mod k of the call's row, k being the faults of that row at `level` or
// below;
//            (n-1) / k chooses how much of a shortened transfer is left
// When the bytes are used up, or the kernel could not produce that fault for this very call (EINTR
// from a call that cannot sleep), the real call runs. Not nestable; `choices` must outlive it.
class Faults {
 public:
  explicit Faults(std::span<const std::uint8_t> choices, Realism level = Realism::linux_);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  struct Played {
    Call call;
    const Fault* fault;
    std::size_t index;     // which of the wrapped calls, from 0
    std::size_t transfer;  // Effect::shorten: the bytes that were left of it
  };
  // What was played so far, oldest first; at most kMostPlayed are kept.
  std::span<const Played> played() const { return {played_.data(), played_count_}; }
  // How many wrapped calls were made, with and without a fault.
  std::size_t calls() const { return calls_; }
  static constexpr std::size_t kMostPlayed = 16;

 private:
  friend struct FaultsAccess;
  std::span<const std::uint8_t> choices_;
  Realism level_;
  std::size_t calls_ = 0;
  std::array<Played, kMostPlayed> played_;  // the first played_count_ are set
  std::size_t played_count_ = 0;
};

// Choices that leave `skip` calls alone and then play fault `choice` of the row: for "fail the n-th
// call" sweeps.
std::array<std::uint8_t, 256> fault_at(std::uint8_t skip, std::uint8_t choice);

// For wrappers whose arguments to next_fault() cost a system call: false where it will return
// nullptr whatever they are.
bool is_fault_due();

// For wrappers: the fault to play in this call, or nullptr. `impossible` lists errnos that the
// kernel could not return here. For Effect::shorten, *transfer (bytes asked for) is lowered;
// transfers of one byte stay whole.
const Fault* next_fault(Call call, std::initializer_list<int> impossible = {},
                        std::size_t* transfer = nullptr);

}  // namespace pipewrench
