// Words in memory shared between processes: a process's identity in one word, and sleeping until a
// word changes. Must not know what a word means: see segment and mailbox.
// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/process.h"

namespace ipc {

// A word that any process with the segment may change at any time: load it once, then judge it.
using SharedWord = std::atomic_ref<std::uint64_t>;
static_assert(SharedWord::is_always_lock_free, "a lock would belong to one process only");

// Bits 2-23 hold the PID (pid_max is at most 2^22, proc(5)), 24-63 the start time (348 years of
// ticks); bits 0-1 are the caller's.
inline constexpr int kFreeBits = 2;
std::uint64_t pack(ProcessId id);
ProcessId unpack(std::uint64_t word);
// False for an identity that no process has or that the word cannot hold.
bool can_pack(ProcessId id);

// How long a sleeper trusts others to wake it. They may die between their store and the wake-up.
inline constexpr std::int64_t kTrustInPeers_ms = 100;
// The time until `deadline`, at most kTrustInPeers_ms.
timespec slice_of(Deadline deadline);

// Sleeps while `word` holds `seen`, at most until `deadline` and at most kTrustInPeers_ms.
// Returning says nothing about the word: look again. EINTR ends the sleep like a wake-up. The
// word's low half must change whenever the word does. Errors: what futex(2) cannot recover from.
Result<> wait_on(std::uint64_t& word, std::uint64_t seen, Deadline deadline);
void wake_all(std::uint64_t& word);

// The error for a deadline that has passed: would_block if it was now(), else timed_out.
Failure late(Deadline deadline, const char* call, const char* why);

}  // namespace ipc
