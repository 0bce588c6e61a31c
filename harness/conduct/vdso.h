// The vDSO of a peer's program, changed so that reading the clock is a system call again, which
// traps: time is then virtual for every program, static ones and Go too. The pages are a private
// copy of the peer's (vdso(7)).
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace pipewrench {

// Changes the vDSO at `address`; false where it cannot be (another architecture, an unknown image).
bool patch_vdso(pid_t pid, std::uint64_t address);
// Whether the program at this address is one that patch_vdso has changed: an exec brings a fresh
// one.
bool is_patched_vdso(pid_t pid, std::uint64_t address);

}  // namespace pipewrench
