// Stage: pid 1 of the peers' PID namespace. It holds the filter, starts peers on request, and
// when it dies the kernel ends every peer. The worker that owns a Stage has entered the
// namespaces itself.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/conduct/broom.h"
#include "harness/conduct/places.h"
#include "harness/conduct/terminal.h"
#include "harness/core/fd.h"
#include "harness/scenario/scenario.h"

namespace pipewrench {

struct StageOptions {
  bool namespaces = true;
  int cpu = -1;
};

class Stage {
 public:
  // Enters namespaces, mounts the sandbox, forks pid 1. Fails with what is missing and its remedy.
  static std::expected<std::unique_ptr<Stage>, std::string> start(const StageOptions& options);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  int listener() const { return listener_.get(); }
  pid_t pid() const { return pid_; }
  bool has_namespaces() const { return namespaces_; }
  const std::string& sandbox() const { return sandbox_; }  // the peers' working directory
  // That one, ".", and the others that are theirs alone.
  std::vector<Place> directories() const;
  // Where the worker finds, and may remove, what peers call so; "": not theirs alone.
  std::string made_path(const std::string& shown) const;

  // Empties the sandbox, the places and the peers' standard files, sets the PID counter back. Input
  // i is peer i's.
  void prepare(const Scenario& scenario);
  // Starts a peer; it is on its way to its first trap. The PID is the worker's view; or -errno.
  // program is an absolute path.
  int launch(const Peer& peer, std::size_t slot, const std::string& program, const Limits& limits);
  void reap();      // takes the status of children of the stage that have ended
  void kill_all();  // every process of the namespace but the stage; returns when none is left
  // What peer i has written so far, at most `most_bytes` of each stream.
  std::string output(std::size_t slot, bool error, std::uint64_t most_bytes, bool& cut) const;
  // What sched_getaffinity(2) said before the worker was pinned; empty: it is not pinned.
  const std::string& host_affinity() const { return affinity_; }
  // Without namespaces: a System V object that the worker has made for the peers; and that all of
  // them are gone.
  void has_made(ObjectKind kind, int id);
  void has_removed_all();
  void pump_terminals();  // what peers with a terminal have written becomes their output
  // Writes the id that the next System V object gets. kind: "msg", "sem", "shm".
  void set_next_id(int kind, int id);
  static constexpr int kMsg = 0, kSem = 1, kShm = 2;

 private:
  Stage() = default;
  void remove_sandbox() const;
  std::int64_t ask(const std::string& request, std::span<const int> descriptors = {});

  Fd listener_, control_;
  pid_t pid_ = 0;
  std::string sandbox_, affinity_;
  std::vector<Place> places_;
  bool namespaces_ = true;
  std::unique_ptr<Broom> broom_;             // where there are no namespaces
  std::vector<std::array<Fd, 3>> standard_;  // memory files: input, output, error
  std::vector<Terminal> terminals_;          // beside them; not open: the peer has none
  std::array<Fd, 3> next_id_;
};

// Absolute path of a peer's program: with a slash relative to `directory`, else searched in PATH;
// "" if none.
std::string find_program(const std::string& name, const std::string& directory);

}  // namespace pipewrench
