// SPDX-License-Identifier: MIT
#include "targets/ipc/sysv_owner.h"

#include <unistd.h>

namespace ipc {

Result<> only_ours(const ipc_perm& object, const char* call, int id) {
  constexpr unsigned kOthersWrite = 0022;
  if (object.uid != ::geteuid())
    return fail(Kind::permission, 0, call, {{{"id", id}, {"uid", object.uid}}},
                "it belongs to another user");
  if ((object.mode & kOthersWrite) != 0)
    return fail(Kind::permission, 0, call, {{{"id", id}, {"mode", object.mode}}},
                "others may write to it");
  return {};
}

}  // namespace ipc
