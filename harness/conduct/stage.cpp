// SPDX-License-Identifier: MIT
#include "harness/conduct/stage.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "harness/conduct/filter.h"
#include "harness/conduct/launch.h"
#include "harness/conduct/loader.h"
#include "harness/core/check.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

namespace pipewrench {
namespace {

constexpr std::size_t kMaxRequest = 1 << 20;  // arguments and environment of a peer

std::unexpected<std::string> failed(const std::string& what, const char* remedy) {
  return std::unexpected(what + ": " + std::strerror(errno) + " (" + remedy + ")");
}

bool write_file(const char* path, const std::string& text) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// The user is mapped to himself: peers keep their uid, and lose the capabilities at exec as in
// life.
bool enter_user_namespace(int others) {
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER | others) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  return write_file("/proc/self/uid_map", uid + " " + uid + " 1") &&
         write_file("/proc/self/gid_map", gid + " " + gid + " 1");
}

constexpr int kNamespaces = CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET;

// The PID namespace belongs to the stage alone. After unshare(CLONE_NEWPID) the worker could
// start no process or thread once its stage has ended (ENOMEM, pid_namespaces(7)).
pid_t fork_stage(bool namespaces) {
  const long flags = SIGCHLD | (namespaces ? CLONE_NEWPID : 0);
  return static_cast<pid_t>(syscall(SYS_clone, flags, nullptr, nullptr, nullptr, nullptr));
}

// A directory that every Linux has and no program lives in; the mount is seen by worker and peers
// only.
std::expected<std::string, std::string> mount_sandbox() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return failed("mount private", "mount namespaces are needed");
  for (const char* place : {"/mnt", "/media", "/srv"}) {
    if (mount("pipewrench", place, "tmpfs", MS_NOSUID | MS_NODEV, "size=256m,mode=0755") != 0)
      continue;
    const std::string directory = std::string(place) + "/run";
    if (mkdir(directory.c_str(), 0700) == 0) return directory;
  }
  return failed("mount tmpfs on /mnt", "mounting in a user namespace must be allowed");
}

// Programs that talk to themselves over 127.0.0.1 do so in the network namespace of the peers.
void bring_up_loopback() {
  const Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (any) ioctl(any.get(), SIOCSIFFLAGS, &request);
}

}  // namespace

std::string find_program(const std::string& name, const std::string& directory) {
  if (name.contains('/')) {
    const std::string path = name.starts_with('/') ? name : directory + "/" + name;
    return access(path.c_str(), X_OK) == 0 ? path : "";
  }
  const char* search = std::getenv("PATH");
  std::string_view left = search != nullptr ? search : "/usr/bin:/bin";
  while (true) {
    const std::size_t end = left.find(':');
    const std::string part(left.substr(0, end));
    const std::string path = (part.empty()            ? directory
                              : part.starts_with('/') ? part
                                                      : directory + "/" + part) +
                             "/" + name;
    struct stat info{};
    if (access(path.c_str(), X_OK) == 0 && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode))
      return path;
    if (end == std::string_view::npos) return "";
    left.remove_prefix(end + 1);
  }
}

std::expected<std::unique_ptr<Stage>, std::string> Stage::start(const StageOptions& options) {
  std::unique_ptr<Stage> made(new Stage);
  Stage& stage = *made;
  stage.namespaces_ = options.namespaces;
  std::signal(SIGPIPE, SIG_IGN);
  if (options.cpu >= 0) {
    cpu_set_t set;
    const long size = syscall(SYS_sched_getaffinity, 0, sizeof set, &set);
    if (size > 0)
      stage.affinity_.assign(reinterpret_cast<const char*>(&set), static_cast<std::size_t>(size));
    CPU_ZERO(&set);
    CPU_SET(options.cpu, &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  const auto filter = make_filter(watch_loader());
  if (!filter) return std::unexpected(filter.error());
  if (options.namespaces) {
    if (unshare(kNamespaces) != 0 && !enter_user_namespace(kNamespaces))
      return failed("namespaces",
                    "allow user namespaces, sysctl user.max_user_namespaces and "
                    "kernel.unprivileged_userns_clone, or use --no-namespaces");
    auto sandbox = mount_sandbox();
    if (!sandbox) return std::unexpected(sandbox.error());
    stage.sandbox_ = *sandbox;
    stage.places_ = make_places(sandbox->substr(0, sandbox->rfind('/')));
    bring_up_loopback();
  } else {
    const char* temporary = std::getenv("TMPDIR");
    std::string pattern =
        std::string(temporary != nullptr ? temporary : "/tmp") + "/pipewrench.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) return failed("mkdtemp " + pattern, "set TMPDIR");
    stage.sandbox_ = pattern;
    auto broom = Broom::start(pattern);
    if (!broom) {
      rmdir(pattern.c_str());
      return std::unexpected(broom.error());
    }
    stage.broom_ = std::move(*broom);
  }
  const char* kinds[] = {"msg", "sem", "shm"};
  for (int i = 0; i < 3 && options.namespaces; ++i)
    stage.next_id_[i] = Fd(open((std::string("/proc/sys/kernel/") + kinds[i] + "_next_id").c_str(),
                                O_WRONLY | O_CLOEXEC));
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return failed("socketpair", "descriptors are exhausted");
  stage.control_ = Fd(ends[0]);
  const pid_t parent = getpid();
  stage.pid_ = fork_stage(options.namespaces);
  if (stage.pid_ < 0) return failed("clone", "PID namespaces must be allowed, and a process free");
  if (stage.pid_ == 0) {
    stage.control_.reset();
    run_stage({.control = ends[1],
               .worker = parent,
               .filter = *filter,
               .namespaces = options.namespaces,
               .places = stage.places_});
  }
  ::close(ends[1]);
  // The stage's descriptor of the listener comes over the socket: SCM_RIGHTS needs no permission.
  stage.listener_ = Fd(receive_descriptor(stage.control_.get()));
  if (!stage.listener_)
    return failed("seccomp user notification",
                  "needs Linux 5.19 or later, and no other listener in the filters above");
  // Linux 6.6: who traps and who is answered changes places with the other on one core; refused
  // where it is not known, and nothing is lost but time.
  if (options.cpu >= 0)
    ioctl(stage.listener_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  return made;
}

Stage::~Stage() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Stage::remove_sandbox() const {
  empty_directory(sandbox_);
  rmdir(sandbox_.c_str());
}

std::int64_t Stage::ask(const std::string& request, std::span<const int> descriptors) {
  std::int64_t reply = -EPIPE;
  if (!send_with_descriptors(control_.get(), request, descriptors)) return -EPIPE;
  if (recv(control_.get(), &reply, sizeof reply, 0) != sizeof reply) return -EPIPE;
  return reply;
}

void Stage::prepare(const Scenario& scenario) {
  // A fresh directory: not even its modes and times are the last run's.
  remove_sandbox();
  mkdir(sandbox_.c_str(), 0700);
  if (!std::ranges::all_of(places_, &is_empty)) {
    ask("u");
    empty_places(places_);
    ask("m");
  }
  terminals_.clear();
  for (std::size_t i = 0; i < scenario.peers.size(); ++i) {
    if (i == standard_.size())
      for (Fd& file : standard_.emplace_back()) file = Fd(memfd_create("peer", MFD_CLOEXEC));
    for (const Fd& file : standard_[i]) {
      struct stat info{};
      if (fstat(file.get(), &info) != 0 || info.st_size > 0) CHECK(ftruncate(file.get(), 0) == 0);
      lseek(file.get(), 0, SEEK_SET);
    }
    const std::string& input = scenario.peers[i].input;
    terminals_.push_back(scenario.peers[i].tty ? Terminal::open(input) : Terminal());
    CHECK(pwrite(standard_[i][0].get(), input.data(), input.size(), 0) ==
          static_cast<ssize_t>(input.size()));
  }
}

int Stage::launch(const Peer& peer, std::size_t slot, const std::string& program,
                  const Limits& limits) {
  const std::string request = encode_launch(peer, program, sandbox_, limits);
  if (request.size() > kMaxRequest) return -E2BIG;
  const auto& files = standard_[slot];
  int descriptors[] = {files[0].get(), files[1].get(), files[2].get()};
  if (peer.tty) {
    if (!terminals_[slot].is_open()) return -ENOTTY;
    pump_terminals();
    std::ranges::fill(descriptors, terminals_[slot].peer_side());
  }
  return static_cast<int>(ask(request, descriptors));
}

void Stage::pump_terminals() {
  for (std::size_t i = 0; i < terminals_.size(); ++i) terminals_[i].pump(standard_[i][1].get());
}

void Stage::reap() { ask("r"); }
void Stage::kill_all() { ask("k"); }

std::string Stage::output(std::size_t slot, bool error, std::uint64_t most_bytes, bool& cut) const {
  const int file = standard_[slot][error ? 2 : 1].get();
  struct stat info{};
  if (fstat(file, &info) != 0) return "";
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > most_bytes) cut = true;
  if (size == 0) return "";
  std::string text(size < most_bytes ? size : most_bytes, '\0');
  const ssize_t got = pread(file, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::vector<Place> Stage::directories() const {
  std::vector<Place> all = {{.shown = ".", .made = sandbox_}};
  all.insert(all.end(), places_.begin(), places_.end());
  return all;
}

std::string Stage::made_path(const std::string& shown) const {
  if (shown.starts_with("./")) return sandbox_ + shown.substr(1);
  for (const Place& place : places_)
    if (shown.starts_with(place.shown + "/"))
      return "/proc/" + std::to_string(pid_) + "/root" + shown;
  return "";
}

void Stage::has_made(ObjectKind kind, int id) {
  if (broom_ && id >= 0) broom_->has(kind, id);
}

void Stage::has_removed_all() {
  if (broom_) broom_->forget();
}

void Stage::set_next_id(int kind, int id) {
  const std::string text = std::to_string(id);
  if (next_id_[static_cast<std::size_t>(kind)])
    (void)!pwrite(next_id_[static_cast<std::size_t>(kind)].get(), text.data(), text.size(), 0);
}

}  // namespace pipewrench
