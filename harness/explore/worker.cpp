// SPDX-License-Identifier: MIT
#include "harness/explore/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/explore/answerer.h"
#include "harness/explore/message.h"

namespace pipewrench {
namespace {

constexpr int kWorkerSocket = 3;
constexpr std::size_t kChunk = 1 << 16;

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// False: the explorer has hung up.
bool receive_frame(int socket, std::string& bytes, std::string& message) {
  char chunk[kChunk];
  while (!take_frame(bytes, message)) {
    const ssize_t got = ::recv(socket, chunk, sizeof(chunk), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes.append(chunk, static_cast<std::size_t>(got));
  }
  return true;
}

// A descriptor for each process that lives or waits to be reaped: more than the usual 1024 where a
// peer forks without end. The stage has started: it and the peers keep the user's limit.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void serve(int socket, const Recipe& recipe, int cpu) {
  ConductorOptions options = recipe.options;
  options.cpu = cpu;
  options.caller = socket;
  auto runner = recipe.start(options);
  if (!send_all(socket, frame_of(runner ? "" : runner.error())) || !runner) return;
  allow_descriptors();
  Answerer answerer(recipe, std::move(*runner));
  std::string bytes, message;
  while (receive_frame(socket, bytes, message)) {
    const auto request = decode_request(message);
    if (!request) return;
    const Answer answer = answerer.answer(*request);
    if (!send_all(socket, frame_of(encode(answer)))) return;
    // What broke here, like a stage that was killed, would break every run after it: another worker
    // goes on.
    if (answer.ending == Ending::harness_error) return;
  }
}

// Nothing of the explorer may stay open here: another worker's socket would keep that one from
// being heard.
[[noreturn]] void be_worker(int socket, pid_t parent, const Recipe& recipe, int cpu) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);  // the terminal's SIGINT is the explorer's
  if (socket != kWorkerSocket) ::dup3(socket, kWorkerSocket, O_CLOEXEC);
  ::syscall(SYS_close_range, kWorkerSocket + 1, ~0U, 0);
  serve(kWorkerSocket, recipe, cpu);
  ::_exit(0);
}

}  // namespace

std::expected<Worker, std::string> Worker::fork(const Recipe& recipe, int cpu) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return std::unexpected(std::string("socketpair: ") + std::strerror(errno));
  Fd ours(ends[0]), theirs(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return std::unexpected(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) be_worker(theirs.get(), parent, recipe, cpu);
  return Worker(std::move(ours), pid, cpu);
}

Worker& Worker::operator=(Worker&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(pid_, other.pid_);
  std::swap(cpu_, other.cpu_);
  return *this;
}

void Worker::end() {
  if (!socket_) return;
  socket_.reset();
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&ended, 1, kEndLimit_ms);
  } while (ready < 0 && errno == EINTR);
  bury();
}

std::string Worker::bury() {
  socket_.reset();
  ::kill(pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

std::string frame_of(std::string_view message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::string frame(sizeof(size), '\0');
  std::memcpy(frame.data(), &size, sizeof(size));
  return frame.append(message);
}

bool take_frame(std::string& bytes, std::string& message) {
  std::uint32_t size = 0;
  if (bytes.size() < sizeof(size)) return false;
  std::memcpy(&size, bytes.data(), sizeof(size));
  if (size > kMaxMessage) {
    bytes.clear();
    message.clear();
    return true;
  }
  if (bytes.size() - sizeof(size) < size) return false;
  message = bytes.substr(sizeof(size), size);
  bytes.erase(0, sizeof(size) + size);
  return true;
}

}  // namespace pipewrench
