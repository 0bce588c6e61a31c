// SPDX-License-Identifier: MIT
#include "targets/peers/room_fifo.h"

namespace peers {
namespace {

ipc::Result<> remove_fifo(const char* name) {
  ipc::Result<ipc::Fifo> found = ipc::Fifo::use(name);
  if (!found && found.error().kind == ipc::Kind::not_found) return {};
  if (!found) return ipc::Failure(found.error());
  found->adopt();
  return found->remove();
}

}  // namespace

ipc::Result<ipc::Fifo> make_or_use(Room& room, const char* name) {
  if (!room.is_first()) return ipc::Fifo::use(name);
  if (const auto removed = remove_fifo(name); !removed) return ipc::Failure(removed.error());
  return ipc::Fifo::create(name);
}

void clear_fifo(const char* name) {
  if (const auto removed = remove_fifo(name); !removed) note(removed.error().describe());
}

}  // namespace peers
