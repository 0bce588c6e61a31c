// The obvious in-memory twin of a name in a directory, the FIFOs made under it, and their open
// files (fifo(7), pipe(7), poll(2), Linux). Makes no system call and never sleeps: every open is as
// with O_NONBLOCK, and a blocking one would return where blocking_open_returns(). How much a pipe
// holds is the business of the pipe's twin: here it never fills.
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace model {

class FifoName {
 public:
  enum class Thing { nothing, fifo, file, directory, symlink };
  // A result of the kernel: a value >= 0 with errno 0, or -1 with the errno.
  struct Result {
    long value = 0;
    int error = 0;
    bool operator==(const Result&) const = default;
  };

  Result mkfifo(mode_t mode);
  void put(Thing thing);  // something that is no FIFO, where nothing is
  Result unlink();        // rmdir() where it is a directory
  Result chmod(mode_t mode);
  Thing thing() const { return thing_; }
  mode_t mode() const { return thing_ == Thing::fifo ? inodes_[inode_].mode : 0; }

  // Which FIFO the name leads to: for opening by a descriptor of the FIFO, which outlives the name.
  int inode() const { return thing_ == Thing::fifo ? inode_ : -1; }

  // By name, with O_NOFOLLOW|O_NONBLOCK, as a user who may do everything. The value is a file of
  // this model where a FIFO is opened, else 0. `access`: O_RDONLY, O_WRONLY or O_RDWR.
  Result open(int access);
  Result open_inode(int inode, int access);
  void close(int file);
  bool blocking_open_returns(int inode, int access) const;

  Result read(int file, std::size_t size, std::string* out);
  Result write(int file, const std::string& bytes);
  short poll(int file) const;  // of POLLIN, POLLOUT, POLLHUP, POLLERR, all asked for

  std::size_t content(int inode) const { return inodes_[inode].content.size(); }
  int readers(int inode) const { return inodes_[inode].readers; }
  int writers(int inode) const { return inodes_[inode].writers; }

 private:
  struct Inode {
    mode_t mode = 0;
    int readers = 0;
    int writers = 0;
    unsigned writers_ever = 0;  // openings for writing since the first of the present open files
    std::string content{};
  };
  struct File {
    int inode = -1;  // -1: closed
    bool reads = false;
    bool writes = false;
    bool came_first = false;    // no writer was there when it was opened ...
    unsigned writers_then = 0;  // ... and so many had been
  };

  Thing thing_ = Thing::nothing;
  int inode_ = -1;
  std::vector<Inode> inodes_;
  std::vector<File> files_;
};

}  // namespace model
