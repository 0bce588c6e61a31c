// A session's FIFO in the working directory: made by the first, used by the others, removed by its
// maker or, if that one died, by the last. Must not touch what is no FIFO of ours.
// SPDX-License-Identifier: MIT
#pragma once

#include "targets/ipc/error.h"
#include "targets/ipc/fifo.h"
#include "targets/peers/room.h"

namespace peers {

// For the first: in place of one that the dead have left. Errors as Fifo's.
ipc::Result<ipc::Fifo> make_or_use(Room& room, const char* name);
// For the last. What cannot be removed is said in a note.
void clear_fifo(const char* name);

}  // namespace peers
