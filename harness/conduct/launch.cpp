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
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <span>
#include <string_view>

#include "harness/conduct/filter.h"
#include "harness/conduct/state.h"

// glibc's own name. ThreadSanitizer takes clone() for fork(2) and sets its state right in parent
// and child, which here is the same memory.
extern "C" int __clone(int (*run)(void*), void* stack, int flags, void* argument, ...);

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
  std::uint64_t file_bytes = 0;
  bool namespaces = true;
  const char* program = nullptr;
  const char* directory = nullptr;
  std::vector<char*> arguments, environment;
  std::array<int, 3> files{};
  std::span<const int> ignored;  // signals
  int failure = 0;  // errno of what failed in the child, which shares this memory until it execs
};

void put(std::string& out, const std::string& text) { out.append(text.c_str(), text.size() + 1); }

Launch decode_launch(std::span<char> request) {
  std::vector<char*> words;
  for (char* at = request.data() + 1; at < request.data() + request.size();
       at += std::strlen(at) + 1)
    words.push_back(at);
  Launch launch;
  launch.file_bytes = std::strtoull(words[0], nullptr, 10);
  const std::size_t arguments = std::strtoul(words[1], nullptr, 10);
  launch.program = words[2];
  launch.directory = words[3];
  const auto first = words.begin() + 4;
  launch.arguments.assign(first, first + static_cast<std::ptrdiff_t>(arguments));
  launch.environment.assign(first + static_cast<std::ptrdiff_t>(arguments), words.end());
  launch.arguments.push_back(nullptr);
  launch.environment.push_back(nullptr);
  return launch;
}

struct KernelAction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

// Handlers go with execve(2); what is ignored stays so.
std::vector<int> ignored_signals() {
  std::vector<int> ignored;
  for (int signal = 1; signal <= 64; ++signal) {
    KernelAction action{};
    syscall(SYS_rt_sigaction, signal, nullptr, &action, sizeof action.mask);
    if (action.handler == reinterpret_cast<void*>(SIG_IGN)) ignored.push_back(signal);
  }
  return ignored;
}

void reset_signals(std::span<const int> ignored) {
  const KernelAction fresh{};
  for (const int signal : ignored) exempt(SYS_rt_sigaction, signal, &fresh, 0L, sizeof fresh.mask);
  const unsigned long none = 0;
  exempt(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0L, sizeof none);
}

// Runs in the child, in the stage's memory: only system calls (vfork(2)).
int start_program(void* argument) {
  Launch& launch = *static_cast<Launch*>(argument);
  syscall(SYS_setpgid, 0, 0);
  for (int i = 0; i < 3; ++i) syscall(SYS_dup2, launch.files[static_cast<std::size_t>(i)], i);
  syscall(SYS_close_range, 3U, ~0U, 0);
  const auto limit = [](int what, std::uint64_t value) {
    const rlimit64 pair{value, value};
    syscall(SYS_prlimit64, 0, what, &pair, nullptr);
  };
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, launch.file_bytes);
  // Only against what escapes the conductor, which counts forks itself; elsewhere it would count
  // the user's other programs too (getrlimit(2)).
  if (launch.namespaces) limit(RLIMIT_NPROC, kMaxTasks);
  syscall(SYS_umask, 022);
  if (syscall(SYS_chdir, launch.directory) == 0) {
    reset_signals(launch.ignored);
    exempt(SYS_execve, launch.program, launch.arguments.data(), launch.environment.data());
  }
  launch.failure = errno;
  exempt(SYS_exit, 127);
  return 127;
}

long start_peer(Launch& launch) {
  alignas(64) static char stack[64 << 10];
  // clone() passes its sixth argument, tls, in the register of the kernel's sixth, which the kernel
  // does not read: that is how this call carries the mark (x86-64; elsewhere the call traps and the
  // worker lets it pass).
  const int pid = __clone(&start_program, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
                          &launch, nullptr, reinterpret_cast<void*>(kExempt), nullptr);
  if (pid < 0) return -errno;
  if (launch.failure == 0) return pid;
  exempt(SYS_wait4, pid, 0L, 0, 0L);
  return -launch.failure;
}

void kill_everybody() {
  // In this PID namespace -1 is everyone but us (kill(2)); a dying process may still fork, so until
  // nobody is left.
  while (true) {
    exempt(SYS_kill, -1, SIGKILL);
    const long ended = exempt(SYS_wait4, -1, 0L, __WALL, 0L);
    if (ended < 0 && errno == ECHILD) return;
  }
}

// On the host: the stage is whom orphans are given to (PR_SET_CHILD_SUBREAPER), so that whoever
// descends from it is its child once those between are dead. `list` is /proc/thread-self/children.
void kill_children(int list) {
  char text[4096];
  while (true) {
    const long size = exempt(SYS_pread64, list, text, sizeof text - 1, 0);
    text[std::max(size, 0L)] = 0;
    for (char* at = text; *at != 0;) {
      char* end = at;
      const long pid = std::strtol(at, &end, 10);
      if (end == at) break;
      if (*end == ' ') exempt(SYS_kill, pid, SIGKILL);
      at = *end == ' ' ? end + 1 : end;
    }
    long ended = 0;
    while ((ended = exempt(SYS_wait4, -1, 0L, WNOHANG | __WALL, 0L)) > 0) continue;
    if (ended < 0 && errno == ECHILD) return;
    exempt(SYS_sched_yield);
  }
}

struct DescriptorMessage {
  iovec part{};
  alignas(cmsghdr) char control[CMSG_SPACE(kMostDescriptors * sizeof(int))] = {};
  msghdr header{};
};

void fill_message(DescriptorMessage& message, void* text, std::size_t size,
                  std::span<const int> descriptors) {
  message.part = {text, size};
  message.header.msg_iov = &message.part;
  message.header.msg_iovlen = 1;
  message.header.msg_control = message.control;
  message.header.msg_controllen = sizeof message.control;
  if (descriptors.empty()) return;
  message.header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* control = CMSG_FIRSTHDR(&message.header);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(control), descriptors.data(), descriptors.size_bytes());
}

std::size_t take_descriptors(const msghdr& header, std::span<int> descriptors) {
  const cmsghdr* control = CMSG_FIRSTHDR(&header);
  if (control == nullptr || control->cmsg_type != SCM_RIGHTS) return 0;
  const std::size_t size = std::min(control->cmsg_len - CMSG_LEN(0), descriptors.size_bytes());
  std::memcpy(descriptors.data(), CMSG_DATA(control), size);
  return size / sizeof(int);
}

constexpr std::size_t kMostRequest = 1 << 20;  // arguments and environment of a peer
char request_buffer[kMostRequest];  // not cleared for each request: that would cost more than the
                                    // rest

}  // namespace

void run_stage(StageStart start) {
  // With namespaces the peers die with the stage; without, it ends them before it ends itself.
  if (start.namespaces) prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGPIPE, SIG_DFL);
  int last_pid = -1, children = -1;
  if (!start.namespaces) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
  }
  if (start.namespaces) {
    // In the stage's own mount namespace, or the worker would lose its /proc/self. Where a
    // container masks parts of /proc the kernel forbids a new one: then the peers see the outer
    // one.
    if (unshare(CLONE_NEWNS) == 0) {
      mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
      mount_places(start.places);
    } else {
      start.places.clear();
    }
    last_pid = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
  }
  const std::vector<int> ignored = ignored_signals();
  personality(ADDR_NO_RANDOMIZE);
  const int listener = install_filter(start.filter);
  DescriptorMessage first;
  char byte = 'l';
  fill_message(first, &byte, 1, {&listener, 1});
  if (listener < 0 || exempt(SYS_sendmsg, start.control, &first.header, MSG_NOSIGNAL) != 1)
    exempt(SYS_exit_group, 3);
  close(listener);
  while (true) {
    DescriptorMessage message;
    fill_message(message, request_buffer, sizeof request_buffer, {});
    const long size = exempt(SYS_recvmsg, start.control, &message.header, MSG_CMSG_CLOEXEC);
    if (size <= 0) {
      if (!start.namespaces) kill_children(children);
      exempt(SYS_exit_group, 0);
    }
    const std::span<char> request(request_buffer, static_cast<std::size_t>(size));
    std::int64_t reply = 0;
    if (request[0] == 'k') {
      start.namespaces ? kill_everybody() : kill_children(children);
      // The next run's first peer gets the same PID as this one's.
      if (last_pid >= 0) exempt(SYS_pwrite64, last_pid, "1", 1, 0);
    }
    if (request[0] == 'u') unmount_places(start.places);
    if (request[0] == 'm') mount_places(start.places);
    if (request[0] == 'r')
      while (exempt(SYS_wait4, -1, 0L, WNOHANG | __WALL, 0L) > 0) continue;
    if (request[0] == 'l') {
      Launch launch = decode_launch(request);
      launch.namespaces = start.namespaces;
      launch.ignored = ignored;
      take_descriptors(message.header, launch.files);
      reply = start_peer(launch);
      for (const int file : launch.files) close(file);
    }
    exempt(SYS_write, start.control, &reply, sizeof reply);
  }
}

std::string encode_launch(const Peer& peer, const std::string& program,
                          const std::string& directory, const Limits& limits) {
  std::string request = "l";
  put(request, std::to_string(limits.file_bytes));
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

bool send_with_descriptors(int socket, const std::string& text, std::span<const int> descriptors) {
  DescriptorMessage message;
  fill_message(message, const_cast<char*>(text.data()), text.size(), descriptors);
  if (descriptors.empty()) message.header.msg_controllen = 0;
  return sendmsg(socket, &message.header, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

int receive_descriptor(int socket) {
  char byte = 0;
  DescriptorMessage message;
  fill_message(message, &byte, 1, {});
  if (recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) != 1) return -1;
  int descriptor = -1;
  return take_descriptors(message.header, {&descriptor, 1}) == 1 ? descriptor : -1;
}

}  // namespace pipewrench
