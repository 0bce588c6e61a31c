// A Unix socket that listens under a name in the file system. What it accepts: socket.h.
// Must not take the name from a living server, and must not remove a name that it did not make.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <string>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"
#include "targets/ipc/socket.h"

namespace ipc {

struct ListenOptions {
  int backlog = 16;    // clients that wait to be accepted
  mode_t mode = 0600;  // of the name, less the umask; write permission is what connect(2) asks for
  SocketOptions accepted{};
};

class Listener {
 public:
  // Makes the name and listens. A socket that a dead server left there (connect(2): ECONNREFUSED)
  // is replaced. exists: a living server has it, or another process is just becoming it;
  // wrong_type: a file, directory, FIFO or link stands there; bad_argument: empty or too long a
  // path; not_found, permission, no_space: as the kernel said.
  static Result<Listener> listen(const std::string& path, SocketKind kind,
                                 ListenOptions options = {});

  Listener(Listener&&) noexcept = default;
  Listener& operator=(Listener&& other) noexcept;
  // In the process that made it: removes the name if it is still its own. After fork() a child only
  // closes.
  ~Listener() { close(); }

  // would_block, timed_out, interrupted; no_space: no descriptor is free, the client waits on.
  Result<Connection> accept(Deadline deadline);
  int fd() const { return fd_.get(); }  // for poll(2) only
  void close();

 private:
  Listener(Fd fd, std::string path, SocketKind kind, const ListenOptions& options);

  Fd fd_;
  std::string path_;
  SocketKind kind_;
  SocketOptions accepted_;
  pid_t maker_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace ipc
