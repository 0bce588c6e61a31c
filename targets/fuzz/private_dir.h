// A directory for the names that inputs make: nobody else sees it, and it goes with the process,
// however that ends.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace fuzz {

// Made once a process, on first use: call it before the Guard of an input. A tmpfs in a mount
// namespace of this thread (mount_namespaces(7)); where that is forbidden a temporary directory,
// removed at a normal exit.
const std::string& private_dir();

}  // namespace fuzz
