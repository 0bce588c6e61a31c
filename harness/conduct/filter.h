// The seccomp filter that every peer inherits: which calls trap. Installed once, in the stage
// (seccomp(2): only one listener can exist in a chain of filters).
// SPDX-License-Identifier: MIT
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "harness/conduct/loader.h"

namespace pipewrench {

// A call whose sixth argument is this one does not trap: the stage's own calls. None of the calls
// of the table that the stage uses has six arguments, so the register is free.
inline constexpr std::uint64_t kExempt = 0x7069706577726e63;

// The program for seccomp(SECCOMP_SET_MODE_FILTER); made before the stage is forked. What the
// loader does passes.
std::expected<std::vector<sock_filter>, std::string> make_filter(
    const std::vector<LoaderCall>& loader);
// Installs it in the calling process. Returns the listener, or -errno.
int install_filter(const std::vector<sock_filter>& filter);

}  // namespace pipewrench
