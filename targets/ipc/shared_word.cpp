// SPDX-License-Identifier: MIT
#include "targets/ipc/shared_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <climits>

namespace ipc {
namespace {

constexpr int kPidBits = 22;
constexpr std::uint64_t kPidMask = (std::uint64_t{1} << kPidBits) - 1;

static_assert(std::endian::native == std::endian::little, "the low half comes first");

}  // namespace

timespec slice_of(Deadline deadline) {
  constexpr timespec kLongest{.tv_sec = 0, .tv_nsec = kTrustInPeers_ms * 1'000'000};
  if (deadline.is_never()) return kLongest;
  const timespec left = deadline.remaining();
  return left.tv_sec > 0 || left.tv_nsec > kLongest.tv_nsec ? kLongest : left;
}

std::uint64_t pack(ProcessId id) {
  const std::uint64_t pid = static_cast<std::uint64_t>(id.pid) & kPidMask;
  return id.start_ticks << (kFreeBits + kPidBits) | pid << kFreeBits;
}

ProcessId unpack(std::uint64_t word) {
  return {.pid = static_cast<pid_t>(word >> kFreeBits & kPidMask),
          .start_ticks = word >> (kFreeBits + kPidBits)};
}

bool can_pack(ProcessId id) { return id.pid > 0 && unpack(pack(id)) == id; }

Result<> wait_on(std::uint64_t& word, std::uint64_t seen, Deadline deadline) {
  const timespec slice = slice_of(deadline);
  // Not FUTEX_PRIVATE_FLAG: the sleepers are in other processes (futex(2)).
  if (::syscall(SYS_futex, &word, FUTEX_WAIT, static_cast<std::uint32_t>(seen), &slice, nullptr,
                0) == 0)
    return {};
  // EAGAIN: the word had changed. EINTR: the caller looks at the word and at its deadline anyway.
  if (errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR) return {};
  return fail("futex");
}

void wake_all(std::uint64_t& word) {
  // Only a bad address makes it fail, and sleepers trust nobody for longer than kTrustInPeers_ms.
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

Failure late(Deadline deadline, const char* call, const char* why) {
  return deadline.is_now() ? fail(Kind::would_block, 0, call, {}, why)
                           : fail(Kind::timed_out, 0, call, {}, why);
}

}  // namespace ipc
