// SPDX-License-Identifier: MIT
#include "harness/intake/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>

#include "harness/core/fd.h"

namespace pipewrench {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  Fd reader, writer;
};

std::expected<Pipe, std::string> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return std::unexpected(std::string("pipe: ") + std::strerror(errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers_of(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> joined(const std::vector<std::string>& more) {
  std::vector<std::string> all;
  for (char** word = environ; *word != nullptr; ++word) {
    const std::string_view own = *word;
    const std::string_view name = own.substr(0, own.find('=') + 1);
    if (std::ranges::none_of(more, [&](const auto& other) { return other.starts_with(name); }))
      all.emplace_back(own);
  }
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

void limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

struct Start {
  char** words;
  char** environment;
  const char* directory;
  int out, told;
  pid_t parent;
  const ChildLimits* limits;
};

// In the child, after fork: async-signal-safe calls only (signal-safety(7)).
[[noreturn]] void become(const Start& start) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(127);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (const int number : {SIGPIPE, SIGINT, SIGTERM}) ::sigaction(number, &usual, nullptr);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, start.limits->most_file_bytes);
  const int null = ::open("/dev/null", O_RDONLY);
  // What is told of a failure goes through descriptor 3, which exec closes.
  if (null >= 0 && ::dup2(null, 0) == 0 && ::dup2(start.out, 1) == 1 && ::dup2(start.out, 2) == 2 &&
      (start.told == 3 || ::dup3(start.told, 3, O_CLOEXEC) == 3) &&
      ::syscall(SYS_close_range, 4U, ~0U, 0U) == 0 && ::chdir(start.directory) == 0)
    ::execve(start.words[0], start.words, start.environment);
  const int number = errno;
  [[maybe_unused]] const ssize_t wrote = ::write(3, &number, sizeof number);
  ::_exit(127);
}

// Takes what is there; false at the end of the stream.
bool drain(int fd, std::size_t most, std::string& output) {
  std::array<char, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0;
    const std::size_t room = most - std::min(most, output.size());
    output.append(chunk.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

int left_ms(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// Until the child has ended or its time has.
void follow(int pidfd, int out, const ChildLimits& limits, ChildRun& run) {
  const auto end = Clock::now() + std::chrono::milliseconds(limits.timeout_ms);
  bool is_open = true;
  for (;;) {
    std::array<pollfd, 2> both{{{pidfd, POLLIN, 0}, {is_open ? out : -1, POLLIN, 0}}};
    const int ready = ::poll(both.data(), both.size(), left_ms(end));
    if (ready < 0 && errno == EINTR) continue;
    if (both[1].revents != 0) is_open = drain(out, limits.most_output_bytes, run.output);
    if (both[0].revents != 0) return;
    if (left_ms(end) == 0) {
      run.timed_out = true;
      return;
    }
  }
}

}  // namespace

std::expected<ChildRun, std::string> run_child(const std::vector<std::string>& words,
                                               const std::vector<std::string>& environment,
                                               const std::string& directory,
                                               const ChildLimits& limits) {
  auto out = make_pipe(), told = make_pipe();
  if (!out) return std::unexpected(out.error());
  if (!told) return std::unexpected(told.error());
  ::fcntl(out->reader.get(), F_SETFL, O_NONBLOCK);
  const std::vector<std::string> all = joined(environment);
  const std::vector<char*> word_pointers = pointers_of(words), all_pointers = pointers_of(all);
  const Start start{const_cast<char**>(word_pointers.data()),
                    const_cast<char**>(all_pointers.data()),
                    directory.c_str(),
                    out->writer.get(),
                    told->writer.get(),
                    ::getpid(),
                    &limits};
  const pid_t child = ::fork();
  if (child < 0) return std::unexpected(std::string("fork: ") + std::strerror(errno));
  if (child == 0) become(start);
  ::setpgid(child, child);  // here too: whoever comes first
  out->writer.reset();
  told->writer.reset();
  ChildRun run;
  int number = 0;
  const bool has_failed = ::read(told->reader.get(), &number, sizeof number) == sizeof number;
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (!has_failed && pidfd) follow(pidfd.get(), out->reader.get(), limits, run);
  ::kill(-child, SIGKILL);  // the child itself where its time is over, and what it has left
  while (::waitpid(child, &run.status, 0) < 0 && errno == EINTR) {
  }
  drain(out->reader.get(), limits.most_output_bytes, run.output);
  if (has_failed) return std::unexpected(words[0] + ": " + std::strerror(number));
  return run;
}

}  // namespace pipewrench
