// SPDX-License-Identifier: MIT
#include "harness/inproc/guard.h"

#include <poll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/inproc/clock.h"
#include "harness/inproc/start.h"
#include "harness/inproc/wrap.h"

namespace pipewrench {
namespace {

// One bit an open descriptor, in one system call: poll() marks closed ones POLLNVAL.
std::uint64_t open_fds() {
  static_assert(Guard::kWatchedFds <= 64);
  std::array<pollfd, Guard::kWatchedFds> fds;
  for (int i = 0; i < Guard::kWatchedFds; ++i) fds[i] = {.fd = i, .events = 0, .revents = 0};
  std::uint64_t open = 0;
  // EINTR: an engine's signal came, and nothing was ready: all of them are open.
  if (__real_poll(fds.data(), fds.size(), 0) < 0 && errno != EINTR) return 0;
  for (int i = 0; i < Guard::kWatchedFds; ++i)
    if ((fds[i].revents & POLLNVAL) == 0) open |= std::uint64_t{1} << i;
  return open;
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

std::string target_of(int fd) {
  std::array<char, 256> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size() - 1);
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "?";
}

[[noreturn]] void left(const std::string& what, const char* remedy) {
  std::fprintf(stderr, "pipewrench: this input left %s behind.\npipewrench: to fix: %s\n",
               what.c_str(), remedy);
  std::abort();
}

struct Objects {
  int queues, segments, sets;
};

Objects objects() {
  msginfo queues{};
  shm_info segments{};
  seminfo sets{};
  __real_msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&queues));
  __real_shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&segments));
  __real_semctl(0, 0, SEM_INFO, &sets);
  return {queues.msgpool, segments.used_ids, sets.semusz};
}

}  // namespace

Guard::Guard() : fds_before_(open_fds()), children_before_(has_children()) {
  clock_state::set_forbidden(true);
}

Guard::~Guard() {
  clock_state::set_forbidden(false);
  if (const std::uint64_t more = open_fds() & ~fds_before_; more != 0) {
    const int fd = std::countr_zero(more);
    left("descriptor " + std::to_string(fd) + " (" + target_of(fd) + ")",
         "close every descriptor that the input opens, on every path, also after a failed call.");
  }
  if (!children_before_ && has_children())
    left("a child process",
         "wait for every child that the input starts (waitpid), also after a failure.");
  if (!has_own_namespace()) return;  // the host's objects are not ours to count
  const Objects now = objects();
  if (now.queues > 0)
    left(std::to_string(now.queues) + " message queue(s)",
         "msgctl(id, IPC_RMID) each queue that it makes.");
  if (now.segments > 0)
    left(std::to_string(now.segments) + " shared memory segment(s)",
         "shmctl(id, IPC_RMID) and shmdt() each segment that it makes.");
  if (now.sets > 0)
    left(std::to_string(now.sets) + " semaphore set(s)",
         "semctl(id, 0, IPC_RMID) each set that it makes.");
}

}  // namespace pipewrench
