// SPDX-License-Identifier: MIT
#include "targets/ipc/handshake.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "targets/ipc/io.h"
#include "targets/ipc/wait.h"

extern "C" {
#include <sys/pidfd.h>  // glibc 2.36 gives its functions C++ names otherwise
}

namespace ipc {
namespace {

constexpr std::uint32_t kMagic = 0x50574847;  // "PWHG"
constexpr std::uint16_t kVersion = 1;
constexpr IoPolicy kFifoPolicy{.access = Access::nonblocking, .on_signal = OnSignal::retry};

struct Greeting {
  std::uint32_t magic = kMagic;
  std::uint16_t version = kVersion;
  std::uint16_t size = kGreetingBytes;
  std::int32_t pid = 0;
  std::uint32_t checksum = 0;
  std::uint64_t start_ticks = 0;
};
static_assert(sizeof(Greeting) == kGreetingBytes &&
              std::has_unique_object_representations_v<Greeting>);

// FNV-1a over the record with its checksum as 0.
std::uint32_t checksum_of(Greeting greeting) {
  constexpr std::uint32_t kBasis = 2166136261, kPrime = 16777619;
  greeting.checksum = 0;
  std::array<unsigned char, kGreetingBytes> bytes;
  std::memcpy(bytes.data(), &greeting, bytes.size());
  std::uint32_t hash = kBasis;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * kPrime;
  return hash;
}

Failure corrupt(const char* what, long value) {
  return fail(Kind::corrupt, 0, "decode_greeting", {{{what, value}}});
}

}  // namespace

std::array<char, kGreetingBytes> encode_greeting(ProcessId id) {
  Greeting greeting{.pid = id.pid, .start_ticks = id.start_ticks};
  greeting.checksum = checksum_of(greeting);
  std::array<char, kGreetingBytes> bytes;
  std::memcpy(bytes.data(), &greeting, bytes.size());
  return bytes;
}

Result<ProcessId> decode_greeting(std::span<const char> bytes) {
  if (bytes.size() < kGreetingBytes)
    return fail(Kind::truncated, 0, "decode_greeting",
                {{{"size", static_cast<long>(bytes.size())}}});
  if (bytes.size() > kGreetingBytes) return corrupt("size", static_cast<long>(bytes.size()));
  Greeting greeting;
  std::memcpy(&greeting, bytes.data(), sizeof greeting);
  if (greeting.magic != kMagic) return corrupt("magic", greeting.magic);
  if (greeting.version != kVersion) return corrupt("version", greeting.version);
  if (greeting.size != kGreetingBytes) return corrupt("size", greeting.size);
  if (greeting.checksum != checksum_of(greeting)) return corrupt("checksum", greeting.checksum);
  // 0, negative numbers and 1 mean groups, everybody and init to kill(2).
  if (greeting.pid <= 1) return corrupt("pid", greeting.pid);
  if (greeting.start_ticks == 0) return corrupt("start_ticks", 0);
  return ProcessId{.pid = greeting.pid, .start_ticks = greeting.start_ticks};
}

Result<Peer> Peer::verify(ProcessId claimed) {
  if (claimed.pid <= 1 || claimed.pid == ::getpid() || claimed.start_ticks == 0)
    return fail(Kind::bad_argument, 0, "verify", {{{"pid", claimed.pid}}}, "cannot be a peer");
  // First the descriptor, then the start time: a process that has the claimed start time now has
  // had the PID ever since, so it is what the descriptor holds.
  Fd pidfd(::pidfd_open(claimed.pid, 0));
  if (!pidfd) return fail("pidfd_open", {{{"pid", claimed.pid}}});
  const Result<ProcessId> now = identify(claimed.pid);
  if (!now) return Failure(now.error());
  if (*now != claimed)
    return fail(Kind::stale, 0, "verify", {{{"pid", claimed.pid}}}, "the PID is another's now");
  const Result<uid_t> uid = effective_uid(claimed.pid);
  if (!uid) return Failure(uid.error());
  if (*uid != ::geteuid())
    return fail(Kind::permission, 0, "verify", {{{"pid", claimed.pid}, {"uid", *uid}}});
  Peer peer(claimed, std::move(pidfd));
  if (!peer.alive()) return fail(Kind::peer_gone, ESRCH, "verify", {{{"pid", claimed.pid}}});
  return peer;
}

bool Peer::alive() const {
  const auto ended = wait_readable({pidfd_.get()}, Deadline::now());
  return !ended && ended.error().kind == Kind::would_block;
}

Result<> Peer::notify(int signal) const {
  if (signal < 1 || signal > SIGRTMAX)
    return fail(Kind::bad_argument, EINVAL, "notify", {{{"signal", signal}}});
  // The kernel takes signals for a zombie and says nothing (kill(2)).
  if (!alive()) return fail(Kind::peer_gone, ESRCH, "notify", {{{"pid", id_.pid}}});
  if (::pidfd_send_signal(pidfd_.get(), signal, nullptr, 0) != 0)
    return fail("pidfd_send_signal", {{{"pid", id_.pid}, {"signal", signal}}});
  return {};
}

Result<> greet(const Fd& writer, Deadline deadline) {
  const Result<ProcessId> me = self();
  if (!me) return Failure(me.error());
  const auto bytes = encode_greeting(*me);
  Transfer sent = write_all(writer.get(), {bytes.data(), bytes.size()}, deadline, kFifoPolicy);
  if (!sent.complete()) return Failure(std::move(sent.error));
  return {};
}

Result<Peer> meet(const Fd& reader, Deadline deadline) {
  std::array<char, kGreetingBytes> bytes;
  Transfer read = read_exact(reader.get(), bytes, deadline, kFifoPolicy);
  if (read.end == Transfer::End::eof)
    return fail(Kind::peer_gone, 0, "meet", {}, "the stream ended before a greeting");
  // A part of a greeting was taken: whatever ended it, what follows would be read out of step.
  if (!read.complete() && read.bytes > 0)
    return fail(Kind::truncated, read.error.number, "meet",
                {{{"bytes", static_cast<long>(read.bytes)}}});
  if (!read.complete()) return Failure(std::move(read.error));
  const Result<ProcessId> claimed = decode_greeting(bytes);
  if (!claimed) return Failure(claimed.error());
  return Peer::verify(*claimed);
}

}  // namespace ipc
