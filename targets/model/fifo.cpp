// SPDX-License-Identifier: MIT
#include "targets/model/fifo.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace model {

using Result = FifoName::Result;

Result FifoName::mkfifo(mode_t mode) {
  if (thing_ != Thing::nothing) return {-1, EEXIST};
  thing_ = Thing::fifo;
  inode_ = static_cast<int>(inodes_.size());
  inodes_.push_back({.mode = mode});
  return {};
}

void FifoName::put(Thing thing) { thing_ = thing; }

// The inode lives on while files of it are open; here for ever.
Result FifoName::unlink() {
  if (thing_ == Thing::nothing) return {-1, ENOENT};
  thing_ = Thing::nothing;
  return {};
}

Result FifoName::chmod(mode_t mode) {
  if (thing_ != Thing::fifo) return {-1, ENOENT};
  inodes_[inode_].mode = mode;
  return {};
}

Result FifoName::open(int access) {
  switch (thing_) {
    case Thing::nothing:
      return {-1, ENOENT};
    case Thing::fifo:
      return open_inode(inode_, access);
    case Thing::file:
      return {};
    case Thing::directory:
      return access == O_RDONLY ? Result{} : Result{-1, EISDIR};
    case Thing::symlink:
      return {-1, ELOOP};
  }
  return {-1, EINVAL};
}

Result FifoName::open_inode(int number, int access) {
  Inode& inode = inodes_[number];
  if (access == O_WRONLY && inode.readers == 0) return {-1, ENXIO};
  const File file{.inode = number,
                  .reads = access != O_WRONLY,
                  .writes = access != O_RDONLY,
                  .came_first = access == O_RDONLY && inode.writers == 0,
                  .writers_then = inode.writers_ever};
  if (file.reads) ++inode.readers;
  if (file.writes) ++inode.writers, ++inode.writers_ever;
  files_.push_back(file);
  return {static_cast<long>(files_.size() - 1), 0};
}

bool FifoName::blocking_open_returns(int number, int access) const {
  if (access == O_RDWR) return true;
  return access == O_RDONLY ? inodes_[number].writers > 0 : inodes_[number].readers > 0;
}

void FifoName::close(int number) {
  File& file = files_[number];
  Inode& inode = inodes_[file.inode];
  if (file.reads) --inode.readers;
  if (file.writes) --inode.writers;
  if (inode.readers == 0 && inode.writers == 0) {
    inode.content.clear();
    inode.writers_ever = 0;
  }
  file = File();
}

Result FifoName::read(int number, std::size_t size, std::string* out) {
  const File& file = files_[number];
  out->clear();
  if (!file.reads) return {-1, EBADF};
  Inode& inode = inodes_[file.inode];
  if (size == 0) return {};
  if (inode.content.empty()) return inode.writers == 0 ? Result{} : Result{-1, EAGAIN};
  *out = inode.content.substr(0, size);
  inode.content.erase(0, out->size());
  return {static_cast<long>(out->size()), 0};
}

Result FifoName::write(int number, const std::string& bytes) {
  const File& file = files_[number];
  if (!file.writes) return {-1, EBADF};
  Inode& inode = inodes_[file.inode];
  if (bytes.empty()) return {};
  if (inode.readers == 0) return {-1, EPIPE};
  inode.content += bytes;
  return {static_cast<long>(bytes.size()), 0};
}

short FifoName::poll(int number) const {
  const File& file = files_[number];
  const Inode& inode = inodes_[file.inode];
  int events = 0;
  if (file.reads && !inode.content.empty()) events |= POLLIN;
  const bool saw_writer = !file.came_first || inode.writers_ever != file.writers_then;
  if (file.reads && inode.writers == 0 && saw_writer) events |= POLLHUP;
  if (file.writes) events |= POLLOUT;
  if (file.writes && inode.readers == 0) events |= POLLERR;
  return static_cast<short>(events);
}

}  // namespace model
