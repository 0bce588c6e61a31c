// A session's System V object, under the key of a file in the working directory: finds what a dead
// session left, and removes it. Must not touch an object that the file does not name.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "targets/ipc/error.h"
#include "targets/ipc/key.h"

namespace peers {

enum class Object : std::uint8_t { queue, segment, semaphore };

struct ObjectFile {
  Object kind;
  const char* path;
  int project;

  // Kind::exists and so on: see KeyFile. Waits for peers that hold it, for a limited time.
  ipc::Result<ipc::KeyFile> open() const;
  // For the first of a session: nothing is under the key afterwards. Kind::exists: somebody else's
  // object is. `was_making`: a dead maker may not have come to tell the file its id.
  ipc::Result<> clear_left(ipc::KeyFile& file, bool was_making) const;
  // For the last of a session: the object, if the file names it, and the file.
  void remove() const;
};

}  // namespace peers
