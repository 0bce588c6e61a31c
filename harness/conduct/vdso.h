// The vDSO of a peer's program, changed so that reading the clock is a system call again, which
// traps: time is then virtual for every program, static ones and Go too. The pages are a private
// copy of the peer's (vdso(7)).
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "harness/core/fd.h"

namespace pipewrench {

struct Vdso {
  std::uint64_t address = 0;  // 0: none, or one that is not known (another architecture)
  bool is_patched = false;    // already: an exec brings a fresh one
};
// Where it is in the program that the process runs now. `memory` is its /proc/PID/mem.
Vdso find_vdso(pid_t pid, const Fd& memory);
Fd open_memory(pid_t pid);
// False where it cannot be changed.
bool patch_vdso(const Fd& memory, const Vdso& vdso);

}  // namespace pipewrench
