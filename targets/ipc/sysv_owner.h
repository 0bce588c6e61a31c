// Whose a System V object is. Must not change one.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/ipc.h>

#include "targets/ipc/error.h"

namespace ipc {

// Kind::permission unless the object belongs to this user and nobody else may write to it:
// its bytes would be anybody's. `call` and `id` go into the error.
Result<> only_ours(const ipc_perm& object, const char* call, int id);

}  // namespace ipc
