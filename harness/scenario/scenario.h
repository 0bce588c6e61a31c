// Scenario: which peers run, what they find when they start, how a run ends and what must hold.
// Plain data; parse_scenario.h reads it from TOML. Must not touch a process or a file.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/plan.h"

namespace pipewrench {

// What SIGPIPE's default action means for a peer: a filter is meant to die of it, a server is not.
enum class Sigpipe : std::uint8_t { unknown, fatal, fine };

struct Peer {
  std::string name{};              // "writer"; unique: a second one is "writer.2"
  std::vector<std::string> run{};  // argv; run[0] without a slash is looked up in PATH
  std::string input{};             // standard input, whole
  std::vector<std::pair<std::string, std::string>> env{};  // added to the harness's environment
  bool tty = false;  // standard input and output are a pseudo-terminal
  Sigpipe sigpipe = Sigpipe::unknown;
  bool operator==(const Peer&) const = default;
};

// What stands in the working directory and in the IPC namespace before the first peer starts.
struct SetupFile {
  enum class Kind : std::uint8_t { fifo, file, directory, link };
  Kind kind = Kind::file;
  std::string path{};         // relative to the peers' working directory, never out of it
  std::string text{};         // of a file; target of a link, which may dangle
  std::uint32_t mode = 0600;  // permission bits
  bool operator==(const SetupFile&) const = default;
};
struct SetupMessage {
  long type = 1;
  std::string text{};
  bool operator==(const SetupMessage&) const = default;
};
struct SetupQueue {
  std::int32_t key = 0;
  std::vector<SetupMessage> messages{};  // left by a dead run, in order
  bool full = false;                     // and filled up to msg_qbytes with messages of type 1
  bool operator==(const SetupQueue&) const = default;
};
struct SetupSegment {
  std::int32_t key = 0;
  std::uint64_t size_bytes = 0;
  std::string text{};
  bool operator==(const SetupSegment&) const = default;
};
struct SetupSemaphore {
  std::int32_t key = 0;
  std::vector<std::uint16_t> values{};  // {0}: a lock that a dead owner still holds
  bool operator==(const SetupSemaphore&) const = default;
};
struct Setup {
  std::vector<SetupFile> files{};  // made in this order: directories, files, FIFOs, links
  std::vector<SetupQueue> queues{};
  std::vector<SetupSegment> segments{};
  std::vector<SetupSemaphore> semaphores{};
  // Namespace limits, as in /proc/sys/kernel: 0 leaves the kernel's default.
  std::uint32_t msgmni = 0, msgmax_bytes = 0, msgmnb_bytes = 0, shmmni = 0;
  bool operator==(const Setup&) const = default;
};

// How what is left is told to end, once all peers rest or a limit is met.
struct End {
  int signal = SIGTERM;
  std::string peer{};  // empty: every peer that is left
  bool operator==(const End&) const = default;
};

// A value of 0 is no limit only where said.
struct Limits {
  std::uint32_t steps = 20'000;
  std::uint64_t virtual_time_ns = 3'600'000'000'000;
  std::uint64_t output_bytes = 1 << 20;     // kept of each stream of each peer
  std::uint64_t file_bytes = 64 << 20;      // RLIMIT_FSIZE
  std::uint64_t memory_bytes = 2ULL << 30;  // of all peers together, in use
  std::uint32_t processes = 256;
  std::uint64_t spin_cpu_ns = 1'000'000'000;  // CPU time in user space between two calls
  bool operator==(const Limits&) const = default;
};

struct ExpectPeer {
  std::string peer{};
  std::optional<int> exit_status{};
  std::optional<std::string> output{};      // standard output, exactly
  std::vector<std::string> output_has{};    // each is part of standard output
  std::vector<std::string> output_lines{};  // the set of lines, in any order
  bool operator==(const ExpectPeer&) const = default;
};
struct Expect {
  std::vector<ExpectPeer> peers{};
  bool nothing_left = true;  // no object or process after the tear-down
  std::vector<std::string>
      conserve{};  // channels: what was sent is received ("fifo", "queue 0x1234")
  bool operator==(const Expect&) const = default;
};

// Ground truth of a planted program; empty kind: none.
struct Planted {
  std::string kind{};
  std::string category{};  // [planted] class
  std::uint32_t deviations = 0;
  std::vector<std::string> plan{};  // one that shows the bug, in the plan's text form
  bool operator==(const Planted&) const = default;
};

struct Scenario {
  std::string name{};
  std::string why{};
  std::vector<Peer> peers{};
  Setup setup{};
  End end{};
  Limits limits{};
  Expect expect{};
  Planted planted{};
  bool operator==(const Scenario&) const = default;
};

// Letters, digits and _ . + - only, the first neither . nor -; at most kMaxPeerName of them. It is
// safe as the name of a file and in a plan.
bool is_peer_name(const std::string& name);
inline constexpr std::uint32_t kMaxPeerName = 64;
// "writer" for "./bin/writer"; the name that a peer has by default. What no name may hold becomes
// '_'.
std::string peer_name_of(const std::string& program);
// Gives each peer without a name that of its program, and ".2", ".3" to namesakes, in order.
void name_peers(Scenario& scenario);
// Peers of a command line, split at "::": `./writer :: ./reader 3`.
std::expected<Scenario, BadInput> scenario_of(std::span<const std::string> words);
inline constexpr std::uint32_t kMaxPeers = 64;
// The first peer that a plan speaks of and the scenario does not have; "" if there is none.
std::string stranger_in(const Plan& plan, const Scenario& scenario);

}  // namespace pipewrench
