// SPDX-License-Identifier: MIT
#include "targets/ipc/fd.h"

#include <unistd.h>

namespace ipc {

void Fd::close() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

}  // namespace ipc
