// A System V key named by a file, as with ftok(3), whose collisions are detected: ftok keeps 16
// bits of the inode, 8 of the device and 8 of the project, so two files can have one key. The file
// holds the id of the object that was made under its key; an object with another id is somebody
// else's. Must not touch objects it did not name.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/queue.h"

namespace ipc {

class KeyFile {
 public:
  // Creates the file (0600) or uses it, and holds a lock on it (flock(2)) until it is destroyed:
  // between peers, making the object and recording its id is one step. project: 1 .. 255. Errors:
  // bad_argument; wrong_type (not a regular file, or a symbolic link); permission (another user's,
  // or writable by others); timed_out and would_block (a peer holds the lock); corrupt (not a key
  // file of ours).
  static Result<KeyFile> open(std::string path, int project, Deadline deadline);

  key_t key() const { return key_; }
  // The id of the object that was last made under this key by a user of this file; none before the
  // first.
  std::optional<int> recorded_id() const { return id_; }
  // To be called by the maker of the object.
  Result<> record(int id);
  // Kind::exists when the object with this id is not the recorded one: ftok's key collided.
  Result<> check(int id) const;
  // Removes the file's name, if it still names this file.
  Result<> unlink();

 private:
  KeyFile(std::string path, Fd file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<> lock(Deadline deadline);
  Result<> load(int project);

  std::string path_;
  Fd file_;
  key_t key_ = -1;
  std::optional<int> id_;
};

// MessageQueue::create_or_open() under the file's key, refusing a queue that the file did not make
// before anything is done to it.
Result<MessageQueue> open_queue(KeyFile& file, OnStale on_stale);

}  // namespace ipc
