// SPDX-License-Identifier: MIT
#include "harness/conduct/launch.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string_view>

#include "harness/conduct/filter.h"

namespace pipewrench {
namespace {

// A call that does not trap. All of those used here have fewer than six arguments.
template <class... Arguments>
long exempt(long number, Arguments... arguments) {
  static_assert(sizeof...(arguments) <= 5);
  long words[5] = {};
  std::size_t i = 0;
  ((words[i++] = (long)(arguments)), ...);
  return syscall(number, words[0], words[1], words[2], words[3], words[4], kExempt);
}

// A request to start a peer, taken apart in place.
struct Launch {
  std::size_t slot = 0;
  std::uint64_t file_bytes = 0, processes = 0;
  const char* program = nullptr;
  const char* directory = nullptr;
  std::vector<char*> arguments, environment;
  const std::array<int, 3>* files = nullptr;
  int failure = 0;  // errno of what failed in the child, which shares this memory until it execs
};

void put(std::string& out, const std::string& text) { out.append(text.c_str(), text.size() + 1); }

Launch decode_launch(std::string& request) {
  std::vector<char*> words;
  for (char* at = request.data() + 1; at < request.data() + request.size();
       at += std::strlen(at) + 1)
    words.push_back(at);
  Launch launch;
  launch.slot = std::strtoul(words[0], nullptr, 10);
  launch.file_bytes = std::strtoull(words[1], nullptr, 10);
  launch.processes = std::strtoull(words[2], nullptr, 10);
  const std::size_t arguments = std::strtoul(words[3], nullptr, 10);
  launch.program = words[4];
  launch.directory = words[5];
  const auto first = words.begin() + 6;
  launch.arguments.assign(first, first + static_cast<std::ptrdiff_t>(arguments));
  launch.environment.assign(first + static_cast<std::ptrdiff_t>(arguments), words.end());
  launch.arguments.push_back(nullptr);
  launch.environment.push_back(nullptr);
  return launch;
}

void reset_signals() {
  struct KernelAction {
    void* handler;
    unsigned long flags;
    void* restorer;
    unsigned long mask;
  };
  const KernelAction fresh{};
  for (int signal = 1; signal <= 64; ++signal)
    exempt(SYS_rt_sigaction, signal, &fresh, 0L, sizeof(unsigned long));
  const unsigned long none = 0;
  exempt(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0L, sizeof none);
}

// Runs in the child, in the stage's memory: only system calls (vfork(2)).
int start_program(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  syscall(SYS_setpgid, 0, 0);
  for (int i = 0; i < 3; ++i) syscall(SYS_dup2, (*launch.files)[static_cast<std::size_t>(i)], i);
  syscall(SYS_close_range, 3U, ~0U, 0);
  const auto limit = [](int what, std::uint64_t value) {
    const rlimit64 pair{value, value};
    syscall(SYS_prlimit64, 0, what, &pair, nullptr);
  };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, launch.file_bytes);
  limit(RLIMIT_NPROC, launch.processes);
  syscall(SYS_umask, 022);
  if (syscall(SYS_chdir, launch.directory) == 0) {
    reset_signals();
    exempt(SYS_execve, launch.program, launch.arguments.data(), launch.environment.data());
  }
  launch.failure = errno;
  exempt(SYS_exit, 127);
  return 127;
}

long start_peer(Launch& launch) {
  alignas(64) static char stack[64 << 10];
  // clone() passes its sixth argument, tls, in the register of the kernel's sixth, which the kernel does not read:
  // that is how this call carries the mark (x86-64; elsewhere the call traps and the worker lets it pass).
  const int pid = clone(&start_program, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
                        &launch, nullptr, reinterpret_cast<void*>(kExempt), nullptr);
  if (pid < 0) return -errno;
  if (launch.failure == 0) return pid;
  exempt(SYS_wait4, pid, 0L, 0, 0L);
  return -launch.failure;
}

void kill_everybody() {
  // In this PID namespace -1 is everyone but us (kill(2)); a dying process may still fork, so until nobody is left.
  while (true) {
    exempt(SYS_kill, -1, SIGKILL);
    const long ended = exempt(SYS_wait4, -1, 0L, __WALL, 0L);
    if (ended < 0 && errno == ECHILD) return;
  }
}

bool send_descriptor(int socket, int descriptor) {
  char byte = 'l';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return exempt(SYS_sendmsg, socket, &message, MSG_NOSIGNAL) == 1;
}

}  // namespace

void run_stage(StageStart start) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_DFL);
  int last_pid = -1;
  if (start.namespaces) {
    // In the stage's own mount namespace, or the worker would lose its /proc/self. Where a container masks parts of
    // /proc the kernel forbids a new one: then the peers see the outer one.
    if (unshare(CLONE_NEWNS) == 0)
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
    last_pid = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  }
  personality(ADDR_NO_RANDOMIZE);
  const int listener = install_filter(start.filter);
  if (listener < 0 || !send_descriptor(start.control, listener)) exempt(SYS_exit_group, 3);
  close(listener);
  std::string request(1 << 20, '\0');
  while (true) {
    request.resize(1 << 20);
    const long size = exempt(SYS_read, start.control, request.data(), request.size());
    if (size <= 0) exempt(SYS_exit_group, 0);
    request.resize(static_cast<std::size_t>(size));
    std::int64_t reply = 0;
    if (request[0] == 'k') {
      if (start.namespaces) kill_everybody();
      // The next run's first peer gets the same PID as this one's.
      if (last_pid >= 0) exempt(SYS_pwrite64, last_pid, "1", 1, 0);
    }
    if (request[0] == 'r')
      while (exempt(SYS_wait4, -1, 0L, WNOHANG | __WALL, 0L) > 0) continue;
    if (request[0] == 'l') {
      Launch launch = decode_launch(request);
      launch.files = &start.files[launch.slot];
      reply = start_peer(launch);
    }
    exempt(SYS_write, start.control, &reply, sizeof reply);
  }
}

std::string encode_launch(const Peer& peer, std::size_t slot, const std::string& program,
                          const std::string& directory, const Limits& limits) {
  std::string request = "l";
  put(request, std::to_string(slot));
  put(request, std::to_string(limits.file_bytes));
  put(request, std::to_string(limits.processes));
  put(request, std::to_string(peer.run.size()));
  put(request, program);
  put(request, directory);
  for (const std::string& word : peer.run) put(request, word);
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (name == "PWD" || name == "OLDPWD") continue;
    const bool replaced = std::ranges::any_of(
        peer.env, [name](const auto& variable) { return variable.first == name; });
    if (!replaced) environment.emplace_back(text);
  }
  environment.push_back("PWD=" + directory);
  for (const auto& [name, value] : peer.env) environment.push_back(name + "=" + value);
  for (const std::string& entry : environment) put(request, entry);
  return request;
}

int receive_descriptor(int socket) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

}  // namespace pipewrench
