// Broom: without namespaces, the process that outlives worker and stage, however they die, and
// removes what runs have left on the host: their directory, and System V objects that peers made.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <expected>
#include <memory>
#include <string>

#include "harness/core/fd.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

class Broom {
 public:
  // It waits until nobody holds the line any more: neither the caller nor those he forks later and
  // who never exec. The caller must have one thread. Fails as fork(2) and pipe(2) do.
  static std::expected<std::unique_ptr<Broom>, std::string> start(const std::string& directory);
  Broom(const Broom&) = delete;
  Broom& operator=(const Broom&) = delete;
  ~Broom();  // sweeps, and waits for the end of it

  void has(ObjectKind kind, int id);  // queue, segment or semaphore
  void forget();                      // of these none is left

 private:
  Broom() = default;
  Fd line_;
  pid_t pid_ = -1;
};

}  // namespace pipewrench
