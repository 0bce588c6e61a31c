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
#include <span>
#include <system_error>
#include <vector>

#include "harness/cli/load.h"
#include "harness/core/fd.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kInputs = "/inputs";  // beside the peers' directory, outputs too

constexpr int kRuns = 4;  // a run is given so much of the budget before it is told to end
constexpr std::chrono::milliseconds kMostPatience{5'000};
constexpr std::chrono::milliseconds kGrace{500};  // then it is ended

// What one run came to.
struct Outcome {
  std::string error{};
  bool told = false;      // it was told to end
  bool stuck = false;     // and did not
  bool died = false;      // a peer, of a signal
  bool left = false;      // something in the namespace or the directory
  std::string essence{};  // statuses and outputs
};

// What pid 1 tells of a run, before the peers' statuses.
struct Report {
  int told = 0;
  int stuck = 0;
  int left = 0;
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

// Waits for the peers until `end`; true if all have ended.
bool reap(const std::vector<pid_t>& peers, std::vector<int>& statuses, Clock::time_point end) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);  // blocked
  while (true) {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      const auto ended = std::ranges::find(peers, pid);
      if (ended != peers.end()) statuses[static_cast<std::size_t>(ended - peers.begin())] = status;
    }
    if (std::ranges::find(statuses, -1) == statuses.end()) return true;
    const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    const timespec limit{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    ::sigtimedwait(&children, nullptr, &limit);
  }
}

void tell_to_end(const Scenario& scenario, const std::vector<pid_t>& peers,
                 const std::vector<int>& statuses) {
  for (std::size_t i = 0; i < peers.size(); ++i)
    if (statuses[i] == -1 &&
        (scenario.end.peer.empty() || scenario.end.peer == scenario.peers[i].name))
      ::kill(peers[i], scenario.end.signal);
}

// Pid 1 of the peers' namespace: when it ends the kernel ends whatever is left.
[[noreturn]] void be_init(const Scenario& scenario, const std::string& root, int to,
                          std::chrono::milliseconds patience) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none, children;
  sigemptyset(&none);
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &children, nullptr);
  std::vector<pid_t> peers;
  for (const Peer& peer : scenario.peers) {
    const pid_t pid = ::fork();
    if (pid < 0) ::_exit(1);
    if (pid == 0) {
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      be_peer(peer, root + kInputs + "/" + std::to_string(peers.size()));
    }
    peers.push_back(pid);
  }
  std::vector<int> statuses(peers.size(), -1);
  Report report;
  if (!reap(peers, statuses, Clock::now() + patience)) {
    report.told = 1;
    tell_to_end(scenario, peers, statuses);
    report.stuck = reap(peers, statuses, Clock::now() + kGrace) ? 0 : 1;
  }
  report.left = has_objects() ? 1 : 0;
  statuses.insert(statuses.begin(), {report.told, report.stuck, report.left});
  const ssize_t size = static_cast<ssize_t>(statuses.size() * sizeof(int));
  ::_exit(::write(to, statuses.data(), static_cast<std::size_t>(size)) == size ? 0 : 1);
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
    if (file.kind != SetupFile::Kind::file) continue;
    const Fd made(::creat(file.path.c_str(), file.mode));
    const auto size = static_cast<ssize_t>(file.text.size());
    if (!made || ::write(made.get(), file.text.data(), file.text.size()) != size) return file.path;
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

  Outcome run(std::chrono::milliseconds patience) {
    Outcome outcome;
    int ends[2];
    outcome.error = prepare(scenario_, root_);
    if (!outcome.error.empty()) return outcome;
    if (::pipe2(ends, O_CLOEXEC) != 0) outcome.error = "no pipe";
    if (!outcome.error.empty()) return outcome;
    const Fd report(ends[0]);
    Fd to_us(ends[1]);
    const pid_t outer = ::fork();
    if (outer == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!enter_namespaces()) ::_exit(1);
      const pid_t init = ::fork();
      if (init == 0) be_init(scenario_, root_, to_us.get(), patience);
      if (init > 0) ::waitpid(init, nullptr, 0);
      ::_exit(0);
    }
    to_us.reset();
    pollfd polled{.fd = report.get(), .events = POLLIN, .revents = 0};
    const auto limit = patience + 4 * kGrace;  // pid 1 keeps the time: this is if it cannot
    if (outer < 0 || ::poll(&polled, 1, static_cast<int>(limit.count())) <= 0)
      outcome.error = "the run could not be watched";
    if (outer > 0 && !outcome.error.empty()) ::kill(outer, SIGKILL);
    if (outer > 0) ::waitpid(outer, nullptr, 0);
    if (outcome.error.empty()) look(report.get(), outcome);
    return outcome;
  }

 private:
  void look(int from, Outcome& outcome) const {
    std::vector<int> told(sizeof(Report) / sizeof(int) + scenario_.peers.size(), 0);
    const auto size = static_cast<ssize_t>(told.size() * sizeof(int));
    if (::read(from, told.data(), static_cast<std::size_t>(size)) != size) {
      outcome.error = "no namespaces, or no more processes";
      return;
    }
    outcome.told = told[0] != 0;
    outcome.stuck = told[1] != 0;
    outcome.left = told[2] != 0 || files_left() > 0;
    const std::span statuses = std::span(told).subspan(sizeof(Report) / sizeof(int));
    for (std::size_t i = 0; i < scenario_.peers.size(); ++i) {
      const bool was_ended = outcome.told && WTERMSIG(statuses[i]) == scenario_.end.signal;
      outcome.died |= statuses[i] != -1 && WIFSIGNALED(statuses[i]) && !was_ended;
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
  const auto patience = std::min(budget / kRuns, kMostPatience);
  Outcome first;
  while (hunt.error.empty() && !hunt.found && Clock::now() + patience <= end) {
    const Outcome outcome = native.run(patience);
    const bool is_first = hunt.runs++ == 0;
    if (is_first) first = outcome;
    hunt.error = outcome.error;
    const bool is_stopped =
        is_first ? outcome.told && scenario.planted.deviations == 0 : outcome.told && !first.told;
    hunt.found = hunt.error.empty() && (is_stopped || outcome.stuck || outcome.died ||
                                        outcome.left || outcome.essence != first.essence);
  }
  return hunt;
}

}  // namespace pipewrench
