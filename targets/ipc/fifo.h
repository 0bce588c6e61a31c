// A FIFO by name: made or checked, opened within a deadline in either order, removed by its maker.
// Must not transfer bytes: what it opens is for MessageReader and MessageWriter (frame_io.h).
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "targets/ipc/deadline.h"
#include "targets/ipc/error.h"
#include "targets/ipc/fd.h"

namespace ipc {

// Holds the FIFO itself (an O_PATH descriptor, open(2)), not its name: all ends are opened through
// /proc/self/fd, so what was checked is what is opened, however the name changes meanwhile.
//
// How it waits for the other side. poll(2) says nothing about a writer that has opened and is idle,
// nothing wakes a non-blocking opener, and a blocking open(2) has no deadline. So:
//  - A reader opens with O_NONBLOCK, which succeeds at once (fifo(7)). It then asks tee(2), which
//    takes nothing: data, EAGAIN (a writer is there) or 0 (none is). POLLHUP says that one came and
//    went.
//  - A writer gets ENXIO while nobody reads. It then opens O_RDWR for a moment, opens its O_WRONLY
//    end under that and closes the first: a reader that sleeps in open(2) wakes, as it should, and
//    POLLERR on the write end says whether a reader is there (poll(2)).
//  - Both then sleep in poll(2) on an inotify(7) watch of the inode, made before the last look:
//    IN_OPEN says look again, IN_ATTRIB that the name was unlinked. A watch misses nothing, so
//    nothing is polled by time.
// A writer that waits is a reader for an instant: another writer may see that one, and its first
// write then ends with peer_gone or stays in the FIFO for the next reader.
//
// Errors of all functions carry the path in `subject`.
class Fifo {
 public:
  static constexpr mode_t kMode = 0600;    // whatever the umask says
  static constexpr int kMostAttempts = 8;  // against others who make and remove the same name

  // A new one, to be removed by this object. Kind::exists where the name is taken, by anything.
  static Result<Fifo> create(std::string path);
  // One that is there. not_found; wrong_type for a file, directory, symbolic link (followed never,
  // dangling or not), socket; permission where it is another user's or others may write to it.
  static Result<Fifo> use(std::string path);
  // The first that works. stale: others keep making and removing the name.
  static Result<Fifo> create_or_use(std::string path);

  Fifo(Fifo&& other) noexcept;
  Fifo& operator=(Fifo&& other) noexcept;
  ~Fifo();  // remove(), in the process that made it; not in a forked child

  // Ends are CLOEXEC and non-blocking. removed, stale: see check().
  //
  // A read end, at once. Until await_writer() has succeeded a read of 0 bytes is not an end.
  Result<Fd> listen() const;
  // A read end once a writer has come (it may have gone again: then read gives 0, the end).
  Result<Fd> open_reader(Deadline deadline) const;
  // A write end while a reader is there. would_block, timed_out: nobody reads.
  Result<Fd> open_writer(Deadline deadline) const;

  // Waits until there is input, a writer, or one has come and gone since `reader` was opened.
  Result<> await_writer(const Fd& reader, Deadline deadline) const;
  // After the end was read: forgets it, keeps bytes that came since, waits for the next writer.
  // `reader` is replaced, by a new open file of the same FIFO.
  Result<> await_next_writer(Fd& reader, Deadline deadline) const;
  // After peer_gone from a write: waits until somebody reads again. The write end stays good.
  Result<> await_reader(const Fd& writer, Deadline deadline) const;

  // Whether the name still leads here: Kind::removed where there is nothing, Kind::stale where
  // there is something else. Ends that are open go on working; new peers cannot come.
  Result<> check() const;

  bool is_creator() const;
  // Takes over the duty to remove it: for a server that found the FIFO of a killed predecessor.
  void adopt();
  // Unlinks the name, once, if it still leads here, and only for the creator (else permission).
  // Linux cannot unlink by inode: who replaces the name between the look and the unlink loses his.
  Result<> remove();

  const std::string& path() const { return path_; }

 private:
  Fifo(std::string path, Fd handle, dev_t device, ino_t inode)
      : path_(std::move(path)), handle_(std::move(handle)), device_(device), inode_(inode) {}
  static Result<Fifo> hold(std::string path);
  Result<Fd> open_end(int flags) const;
  Result<> force_mode() const;
  template <class Look>
  Result<> wait_for(int polled_fd, Deadline deadline, Look look) const;

  std::string path_;
  Fd handle_;
  dev_t device_;
  ino_t inode_;
  pid_t creator_ = 0;  // 0: not ours to remove
};

}  // namespace ipc
