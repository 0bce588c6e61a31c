// Comparing the real object with its twin: what differs ends the input with one readable line.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "harness/inproc/faults.h"
#include "harness/inproc/records.h"
#include "targets/ipc/error.h"

namespace fuzz {

// Where in the input we are: for the report only.
struct Step {
  std::size_t index;
  const char* operation;
};

std::string show(long value);
std::string show(std::string_view bytes);  // escaped, at most 64 bytes
inline std::string show(ipc::Kind kind) { return ipc::name(kind); }

// Prints "step 3: receive: size: real 5, model 4" and aborts.
[[noreturn]] void differ(const Step& step, std::string_view what, const std::string& real,
                         const std::string& model);

template <class Value>
void same(const Step& step, std::string_view what, const Value& real, const Value& model) {
  if (!(real == model)) differ(step, what, show(real), show(model));
}

// What an operation makes of a record's value, in words; nullptr: nothing.
using Operands = std::string (*)(const pipewrench::Record& record);
// Prints the step where the replay was told to with -v: the input, decoded as operations.
void say(const Step& step, const pipewrench::Record& record, Operands operands);

// The fault of one record, played while it lives: none, or one fault after record.fault >> 4
// untouched calls.
class StepFault {
 public:
  explicit StepFault(const pipewrench::Record& record)
      : choices_(), faults_(std::span(choices_).first((record.fault >> 4) + 1u)) {
    choices_[record.fault >> 4] = record.fault & 0xf;
  }

  // True if `error` is what was played: the operation then has not happened. EINTR explains nothing
  // unless the call was told to report it: the library's policy is to go on.
  bool explains(const ipc::Error& error, bool reports_eintr = false) const;
  // True if a failure other than EINTR was played: an operation that fails anyway may then fail
  // with another errno.
  bool hides_failures() const;
  bool played(pipewrench::Call call, int error_number) const;
  bool any() const { return !faults_.played().empty(); }
  // How much of `size` bytes the operation's call number `call` was left to transfer.
  std::size_t left_of(std::size_t call, std::size_t size) const;
  // The number of the call that a fault was played in; only if any().
  std::size_t call() const { return faults_.played().front().index; }

 private:
  std::array<std::uint8_t, 16> choices_;
  pipewrench::Faults faults_;
};

}  // namespace fuzz
