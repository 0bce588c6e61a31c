// SPDX-License-Identifier: MIT
#include "harness/cli/native.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "harness/cli/load.h"
#include "harness/core/fd.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kInputs = "/inputs";  // beside the peers' directory, outputs too

// What one run came to.
struct Outcome {
  bool ended = false;
  bool died = false;      // a peer, of a signal
  bool left = false;      // something in the namespace or the directory
  std::string essence{};  // statuses and outputs
};

[[noreturn]] void be_peer(const Peer& peer, const std::string& files) {
  const int in = ::open((files + ".in").c_str(), O_RDONLY);
  const int out = ::open((files + ".out").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err = ::open("/dev/null", O_WRONLY);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::closefrom(STDERR_FILENO + 1);
  for (const auto& [key, value] : peer.env) ::setenv(key.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const std::string& word : peer.run) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  ::_exit(127);
}

// True if an object is left in this IPC namespace: more than the heading, sysvipc(7).
bool has_objects() {
  return std::ranges::any_of(std::vector{"msg", "shm", "sem"}, [](const char* kind) {
    const auto text = read_file(std::string("/proc/sysvipc/") + kind);
    return text && std::ranges::count(*text, '\n') > 1;
  });
}

// Pid 1 of the peers' namespace: when it ends the kernel ends whatever is left.
[[noreturn]] void be_init(const Scenario& scenario, const std::string& root, int report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<pid_t> peers;
  for (const Peer& peer : scenario.peers) {
    const pid_t pid = ::fork();
    if (pid == 0) be_peer(peer, root + kInputs + "/" + std::to_string(peers.size()));
    peers.push_back(pid);
  }
  std::vector<int> statuses(peers.size(), -1);
  while (std::ranges::find(statuses, -1) != statuses.end()) {
    int status = 0;
    const pid_t pid = ::wait(&status);
    const auto ended = std::ranges::find(peers, pid);
    if (ended != peers.end()) statuses[static_cast<std::size_t>(ended - peers.begin())] = status;
    if (pid < 0 && errno != EINTR) break;
  }
  statuses.push_back(has_objects() ? 1 : 0);
  const ssize_t size = static_cast<ssize_t>(statuses.size() * sizeof(int));
  ::_exit(::write(report, statuses.data(), static_cast<std::size_t>(size)) == size ? 0 : 1);
}

bool enter_namespaces() {
  const int user = ::geteuid() == 0 ? 0 : CLONE_NEWUSER;
  return ::unshare(user | CLONE_NEWIPC | CLONE_NEWPID) == 0;
}

std::string prepare(const Scenario& scenario, const std::string& root) {
  std::error_code error;
  fs::remove_all(root + "/run", error);
  fs::create_directories(root + "/run", error);
  fs::current_path(root + "/run", error);
  for (const SetupFile& file : scenario.setup.files) {
    if (file.kind == SetupFile::Kind::fifo && ::mkfifo(file.path.c_str(), file.mode) != 0)
      return file.path;
    if (file.kind == SetupFile::Kind::directory) fs::create_directory(file.path, error);
    if (file.kind == SetupFile::Kind::link) fs::create_symlink(file.text, file.path, error);
    if (file.kind == SetupFile::Kind::file && !Fd(::creat(file.path.c_str(), file.mode)))
      return file.path;
  }
  return error ? error.message() : "";
}

class Native {
 public:
  Native(const Scenario& scenario, std::string root)
      : scenario_(scenario), root_(std::move(root)), home_(fs::current_path()) {}
  ~Native() {
    std::error_code ignored;
    fs::current_path(home_, ignored);
    fs::remove_all(root_, ignored);
  }

  Outcome run(Clock::time_point end) {
    Outcome outcome;
    int ends[2];
    if (!prepare(scenario_, root_).empty() || ::pipe2(ends, O_CLOEXEC) != 0) return outcome;
    const Fd report(ends[0]);
    Fd to_us(ends[1]);
    const pid_t outer = ::fork();
    if (outer == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!enter_namespaces()) ::_exit(1);
      const pid_t init = ::fork();
      if (init == 0) be_init(scenario_, root_, to_us.get());
      ::waitpid(init, nullptr, 0);
      ::_exit(0);
    }
    to_us.reset();
    pollfd polled{.fd = report.get(), .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    outcome.ended = ::poll(&polled, 1, static_cast<int>(std::max<long>(left.count(), 1))) > 0;
    if (!outcome.ended) ::kill(outer, SIGKILL);
    ::waitpid(outer, nullptr, 0);
    if (outcome.ended) look(report.get(), outcome);
    return outcome;
  }

 private:
  void look(int report, Outcome& outcome) const {
    std::vector<int> statuses(scenario_.peers.size() + 1, 0);
    const auto size = static_cast<ssize_t>(statuses.size() * sizeof(int));
    outcome.died = ::read(report, statuses.data(), static_cast<std::size_t>(size)) != size;
    outcome.left = statuses.back() != 0 || files_left() > 0;
    for (std::size_t i = 0; i < scenario_.peers.size(); ++i) {
      outcome.died |= WIFSIGNALED(statuses[i]);
      const auto out = read_file(root_ + kInputs + "/" + std::to_string(i) + ".out");
      outcome.essence += std::to_string(statuses[i]) + '\n' + (out ? *out : "");
    }
  }

  std::size_t files_left() const {
    std::error_code ignored;
    const auto all = static_cast<std::size_t>(
        std::distance(fs::directory_iterator(root_ + "/run", ignored), fs::directory_iterator{}));
    return all - std::min(all, scenario_.setup.files.size());
  }

  const Scenario& scenario_;
  std::string root_;
  fs::path home_;
};

}  // namespace

NativeHunt hunt_natively(const Scenario& scenario, std::chrono::milliseconds budget) {
  NativeHunt hunt;
  const Setup& setup = scenario.setup;
  if (!setup.queues.empty() || !setup.segments.empty() || !setup.semaphores.empty()) {
    hunt.error = "System V objects in the set-up";
    return hunt;
  }
  std::string root = fs::temp_directory_path() / "pipewrench-native-XXXXXX";
  if (::mkdtemp(root.data()) == nullptr) {
    hunt.error = "no temporary directory";
    return hunt;
  }
  Native native(scenario, root);
  std::error_code error;
  fs::create_directory(root + kInputs, error);
  for (std::size_t i = 0; i < scenario.peers.size(); ++i) {
    const Fd in(::open((root + kInputs + "/" + std::to_string(i) + ".in").c_str(),
                       O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string& text = scenario.peers[i].input;
    if (::write(in.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      hunt.error = "no room for the peers' input";
  }
  const auto end = Clock::now() + budget;
  std::string first;
  while (hunt.error.empty() && !hunt.found && Clock::now() < end) {
    const Outcome outcome = native.run(Clock::now() + budget);
    if (hunt.runs++ == 0) first = outcome.essence;
    hunt.found = !outcome.ended || outcome.died || outcome.left || outcome.essence != first;
  }
  return hunt;
}

}  // namespace pipewrench
