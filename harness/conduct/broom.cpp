// SPDX-License-Identifier: MIT
#include "harness/conduct/broom.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "harness/conduct/places.h"

namespace pipewrench {
namespace {

struct Made {
  ObjectKind kind = ObjectKind::file;  // file: forget all
  int id = -1;
};

void remove(const Made& made) {
  if (made.kind == ObjectKind::queue) msgctl(made.id, IPC_RMID, nullptr);
  if (made.kind == ObjectKind::segment) shmctl(made.id, IPC_RMID, nullptr);
  if (made.kind == ObjectKind::semaphore) semctl(made.id, 0, IPC_RMID);
}

// Nothing of the worker may stay open here: who waits for its end would wait for ours. What ends
// the worker's group, a terminal's SIGINT or kill(1), is not for us.
[[noreturn]] void sweep(int line, const std::string& directory) {
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  if (line != 0) dup2(line, 0);
  syscall(SYS_close_range, 1, ~0U, 0);
  if (chdir("/") != 0) _exit(1);
  std::vector<Made> left;
  Made made;
  ssize_t size = 0;
  while ((size = read(0, &made, sizeof made)) == sizeof made || (size < 0 && errno == EINTR)) {
    if (size < 0) continue;
    if (made.kind == ObjectKind::file) {
      left.clear();
    } else {
      left.push_back(made);
    }
  }
  for (const Made& one : left) remove(one);
  empty_directory(directory);
  rmdir(directory.c_str());
  _exit(0);
}

}  // namespace

std::expected<std::unique_ptr<Broom>, std::string> Broom::start(const std::string& directory) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return std::unexpected(std::string("pipe: ") + std::strerror(errno));
  const Fd read_end(ends[0]);
  std::unique_ptr<Broom> broom(new Broom);
  broom->line_ = Fd(ends[1]);
  broom->pid_ = fork();
  if (broom->pid_ < 0) return std::unexpected(std::string("fork: ") + std::strerror(errno));
  if (broom->pid_ == 0) sweep(read_end.get(), directory);
  return broom;
}

Broom::~Broom() {
  line_.reset();
  while (pid_ > 0 && waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

void Broom::has(ObjectKind kind, int id) {
  const Made made{kind, id};
  (void)!write(line_.get(), &made, sizeof made);  // EPIPE: it was killed, and sweeps no more
}

void Broom::forget() { has(ObjectKind::file, -1); }

}  // namespace pipewrench
