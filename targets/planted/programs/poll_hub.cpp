// poll_hub: collects the lines of several sources with poll(); SIGHUP asks it to take its settings
// anew.
// Bug: poll() is interrupted by any handler, with SA_RESTART too (signal(7)); the hub takes that
// for the end.
// Smallest: one EINTR of a poll that waits.
// By hand: kill -HUP the parent during the first second.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr int kSources = 2;
constexpr int kLines = 2;
constexpr useconds_t kLineUs = 20000;

volatile sig_atomic_t reload_wanted = 0;

void on_hup(int) { reload_wanted = 1; }

struct Source {
  int in = -1;
  pid_t pid = -1;
  std::string text;
};

[[noreturn]] void talk(int out, int number) {
  signal(SIGHUP, SIG_IGN);
  for (int i = 1; i <= kLines; ++i) {
    usleep(kLineUs);
    const std::string line =
        "source " + std::to_string(number) + " line " + std::to_string(i) + "\n";
    if (write(out, line.data(), line.size()) < 0) _exit(1);
  }
  _exit(0);
}

bool start(Source& source, int number) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  source.pid = fork();
  if (source.pid == 0) {
    close(ends[0]);
    talk(ends[1], number);
  }
  close(ends[1]);
  source.in = ends[0];
  return source.pid > 0;
}

void take(Source& source) {
  std::array<char, 256> chunk;
  const ssize_t n = read(source.in, chunk.data(), chunk.size());
  if (n > 0) {
    source.text.append(chunk.data(), static_cast<std::size_t>(n));
  } else if (n == 0 || errno != EINTR) {
    close(source.in);
    source.in = -1;
  }
}

void collect(std::array<Source, kSources>& sources) {
  for (int open = kSources; open > 0;) {
    std::array<pollfd, kSources> look{};
    for (int i = 0; i < kSources; ++i)
      look[i] = {.fd = sources[i].in, .events = POLLIN, .revents = 0};
    if (poll(look.data(), look.size(), -1) < 0) {
#ifdef FIXED
      if (errno == EINTR) continue;
#endif
      return;
    }
    reload_wanted = 0;
    open = 0;
    for (int i = 0; i < kSources; ++i) {
      if (look[i].revents != 0) take(sources[i]);
      open += sources[i].in >= 0;
    }
  }
}

}  // namespace

int main() {
  struct sigaction on_reload{};
  on_reload.sa_handler = on_hup;
  on_reload.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &on_reload, nullptr);
  signal(SIGPIPE, SIG_IGN);

  std::array<Source, kSources> sources;
  for (int i = 0; i < kSources; ++i)
    if (!start(sources[i], i + 1)) {
      std::perror("poll_hub: source");
      return 1;
    }
  collect(sources);
  int failed = 0;
  for (Source& source : sources) {
    int status = 0;
    if (source.in >= 0) close(source.in);
    while (waitpid(source.pid, &status, 0) < 0 && errno == EINTR) continue;
    failed |= status != 0;
    std::fputs(source.text.c_str(), stdout);
  }
  return failed != 0 ? 1 : 0;
}
