// What the two halves of fuzz_shm share: who we are, where in the input we are, and the fault of
// the record. Must not know segments or semaphores.
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <string>

#include "targets/fuzz/both.h"
#include "targets/ipc/deadline.h"
#include "targets/ipc/process.h"

namespace fuzz::shm {

constexpr std::size_t kClients = 3;
constexpr std::chrono::milliseconds kWait_ms{50};

inline bool waits(const pipewrench::Record& record) { return (record.flags & 1) != 0; }
inline ipc::Deadline deadline_of(const pipewrench::Record& record) {
  return waits(record) ? ipc::Deadline::after(kWait_ms) : ipc::Deadline::now();
}
inline ipc::Kind late(const pipewrench::Record& record) {
  return waits(record) ? ipc::Kind::timed_out : ipc::Kind::would_block;
}

// For the report of a step.
inline std::string wait_of(const pipewrench::Record& record) {
  return waits(record) ? "waits" : "";
}

struct Setting {
  ipc::ProcessId me;
  key_t key;
  Step step{.index = 0, .operation = "start"};
  bool is_explained = false;
  bool is_faulted = false;

  // Runs one operation of the library with the record's fault; is_faulted says afterwards whether
  // one was played, is_explained whether a failure is that fault.
  template <class Operation>
  auto with_fault(const pipewrench::Record& record, Operation operation,
                  bool reports_eintr = false) {
    const StepFault fault(record);
    auto result = operation();
    is_explained = !result && fault.explains(result.error(), reports_eintr);
    is_faulted = fault.any();
    return result;
  }
  void differs(const ipc::Error& error, ipc::Kind expected) const {
    if (error.kind != expected) differ(step, "kind", error.describe(), ipc::name(expected));
  }
};

}  // namespace fuzz::shm
