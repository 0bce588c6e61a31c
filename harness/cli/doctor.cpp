// pipewrench doctor: what this machine can do. Each check is a row; each that fails names its
// remedy.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <ranges>
#include <string_view>

#include "harness/cli/commands.h"
#include "harness/cli/load.h"
#include "harness/core/fd.h"

namespace pipewrench {
namespace {

struct Health {
  bool good = false;
  std::string seen;
};

// In a child: what is checked must not change this process. True if `what` returns true there.
template <typename What>
bool in_child(What what) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(what() ? 0 : 1);
  int status = 1;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string word_of(const std::string& path) {
  const auto text = read_file(path);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

bool is_tool(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (const auto folder : std::views::split(std::string_view(path ? path : ""), ':')) {
    const std::string file = std::string(folder.begin(), folder.end()) + "/" + std::string(name);
    if (::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

Health kernel() {
  utsname name{};
  ::uname(&name);
  unsigned major = 0, minor = 0;
  const std::string_view release = name.release;
  const auto [dot, error] = std::from_chars(release.begin(), release.end(), major);
  if (error == std::errc{} && dot != release.end()) std::from_chars(dot + 1, release.end(), minor);
  return {major > 5 || (major == 5 && minor >= 19), name.release};
}

// SECCOMP_RET_USER_NOTIF, seccomp(2): the kernel says whether it knows the action.
Health notification() {
  std::uint32_t action = SECCOMP_RET_USER_NOTIF;
  return {::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0, ""};
}

// seccomp(2): a null filter with a known flag is EFAULT, with an unknown one EINVAL.
Health killable_receive() {
  constexpr unsigned kWaitKillable = 1U << 5;  // Linux 5.19
  const long result = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable, nullptr);
  return {result < 0 && errno == EFAULT, ""};
}

Health namespaces() {
  const bool good = in_child(
      [] { return ::unshare(CLONE_NEWUSER | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNS) == 0; });
  return {good, ""};
}

Health pidfd_getfd() {
  const Fd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  const Fd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, self.get(), self.get(), 0)));
  return {static_cast<bool>(copy), ""};
}

// msgop(2): without CONFIG_CHECKPOINT_RESTORE it is ENOSYS; on an empty queue it is ENOMSG.
Health message_copy() {
  const bool good = in_child([] {
    ::unshare(CLONE_NEWUSER | CLONE_NEWIPC);
    const int queue = ::msgget(IPC_PRIVATE, 0600);
    long text[2] = {};
    const ssize_t got = ::msgrcv(queue, text, sizeof(long), 0, MSG_COPY | IPC_NOWAIT);
    const bool known = got < 0 && errno == ENOMSG;
    ::msgctl(queue, IPC_RMID, nullptr);
    return known;
  });
  return {good, ""};
}

// Loaded when it is first mounted, which an ordinary user cannot make happen.
Health overlay() {
  const auto systems = read_file("/proc/filesystems");
  return {systems && systems->contains("overlay"), ""};
}

Health last_pid() { return {::access("/proc/sys/kernel/ns_last_pid", F_OK) == 0, ""}; }

Health ptrace_scope() {
  const std::string scope = word_of("/proc/sys/kernel/yama/ptrace_scope");
  return {scope.empty() || scope == "0" || scope == "1", scope.empty() ? "no yama" : scope};
}

Health gdb() { return {is_tool("gdb"), ""}; }
Health strace() { return {is_tool("strace"), ""}; }

struct Check {
  const char* name;
  Health (*check)();
  bool needed;  // explore cannot work without
  const char* remedy;
};

constexpr std::array kChecks = {
    Check{"kernel 5.19 or later", kernel, true, "boot a newer kernel"},
    Check{"seccomp user notification", notification, true,
          "a container may forbid it: run with --security-opt seccomp=unconfined"},
    Check{"seccomp WAIT_KILLABLE_RECV", killable_receive, true, "boot Linux 5.19 or later"},
    Check{"user, IPC, PID and mount namespaces", namespaces, false,
          "sysctl user.max_user_namespaces=10000, kernel.unprivileged_userns_clone=1, "
          "kernel.apparmor_restrict_unprivileged_userns=0; or give --no-namespaces"},
    Check{"pidfd_getfd", pidfd_getfd, true,
          "Linux 5.6 or later; a container may forbid it: --security-opt seccomp=unconfined"},
    Check{"msgrcv MSG_COPY", message_copy, false,
          "a kernel with CONFIG_CHECKPOINT_RESTORE; without it queues are modelled"},
    Check{
        "overlayfs", overlay, false,
        "modprobe overlay; without it peers write into the machine's /tmp, and two workers' meet"},
    Check{"ns_last_pid", last_pid, false,
          "a kernel with CONFIG_CHECKPOINT_RESTORE; without it PIDs may differ between runs"},
    Check{"ptrace_scope 0 or 1", ptrace_scope, false, "sysctl kernel.yama.ptrace_scope=1"},
    Check{"gdb", gdb, false, "apt-get install gdb: only replay --gdb needs it"},
    Check{"strace", strace, false, "apt-get install strace: only to prove findings by hand"},
};

// ../conduct/README.md has the reasons.
constexpr const char* kNeverManaged =
    "data on sockets, POSIX queues, priority inheritance futexes, 32-bit programs";

}  // namespace

Exit doctor_command(const Arguments& arguments) {
  Exit status = Exit::nothing;
  nlohmann::json list = nlohmann::json::array();
  for (const Check& check : kChecks) {
    const Health health = check.check();
    const bool blocks = check.needed || (arguments.namespaces && check.check == namespaces);
    if (!health.good && blocks) status = Exit::environment;
    if (arguments.json) {
      list.push_back({{"name", check.name},
                      {"good", health.good},
                      {"needed", blocks},
                      {"seen", health.seen},
                      {"remedy", health.good ? "" : check.remedy}});
      continue;
    }
    fmt::print("{:<8} {}{}\n",
               health.good ? "ok"
               : blocks    ? "MISSING"
                           : "missing",
               check.name, health.seen.empty() ? "" : " (" + plain(health.seen) + ")");
    if (!health.good) fmt::print("         remedy: {}\n", check.remedy);
  }
  if (arguments.json) {
    fmt::print("{}\n", nlohmann::json{{"can_explore", status == Exit::nothing},
                                      {"checks", list},
                                      {"never_managed", kNeverManaged}}
                           .dump());
  } else {
    fmt::print(
        "nowhere under control: {}; who sleeps in one makes a run unmanaged, which run and "
        "explore say\n",
        kNeverManaged);
    fmt::print("{}\n",
               status == Exit::nothing ? "explore can work here" : "explore cannot work here");
  }
  return status;
}

}  // namespace pipewrench
