// SPDX-License-Identifier: MIT
#include "harness/inproc/start.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "harness/inproc/say.h"

namespace pipewrench {
namespace {

[[maybe_unused]] constexpr int kUsage = 1;  // libFuzzer's own code for a bad corpus directory
constexpr int kEnvironment = 3;             // this machine cannot
bool own_namespace = false;
bool is_talking = false;

[[noreturn]] void die(int status, const char* name, const std::string& why) {
  std::fprintf(stderr, "fuzz_%s: %s\n", name, why.c_str());
  std::exit(status);
}

bool write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

// The user is mapped to himself, not to root: the code under test keeps its uid
// (user_namespaces(7)).
bool enter_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWIPC) == 0) return true;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0) return false;
  const auto self = [](auto id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  return write_file("/proc/self/setgroups", "deny") &&
         write_file("/proc/self/uid_map", self(uid)) && write_file("/proc/self/gid_map", self(gid));
}

void require_namespace(const char* name) {
  if (const char* choice = std::getenv("PIPEWRENCH_NAMESPACE");
      choice != nullptr && *choice != '\0') {
    if (std::strcmp(choice, "host") == 0) return;
    die(kEnvironment, name,
        std::string("PIPEWRENCH_NAMESPACE=") + choice + ": only 'host' is known");
  }
  if (!enter_namespace())
    die(kEnvironment, name,
        std::string("cannot make an IPC namespace: ") + std::strerror(errno) +
            ". Run as root, allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
            "user.max_user_namespaces and user.max_ipc_namespaces above 0; in Docker: --cap-add "
            "SYS_ADMIN), or use the host's with PIPEWRENCH_NAMESPACE=host");
  own_namespace = true;
  const int id = ::msgget(IPC_PRIVATE, 0600);
  if (id < 0)
    die(kEnvironment, name,
        std::string("this kernel has no System V IPC: msgget: ") + std::strerror(errno));
  ::msgctl(id, IPC_RMID, nullptr);
}

const char* afl_target = nullptr;

// Under afl-fuzz this process becomes the fork server, which still attaches the segment of inputs
// that afl-fuzz made in the host's namespace: so each child goes into one of its own. A first child
// says now, where it is seen, whether that works.
void require_namespace_in_children(const char* name) {
  afl_target = name;
  ::pthread_atfork(nullptr, nullptr, [] {
    if (!own_namespace) require_namespace(afl_target);
  });
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  int status = 0;
  if (child > 0) ::waitpid(child, &status, 0);
  if (child < 0 || status != 0) std::exit(kEnvironment);
}

#ifdef PIPEWRENCH_LIBFUZZER
bool has_flag(const std::vector<std::string>& args, const std::string& flag) {
  const std::string start = flag.substr(0, flag.find('=') + 1);
  for (const std::string& arg : args)
    if (arg.starts_with(start)) return true;
  return false;
}

void check_corpus(const char* name, const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0)
    die(kUsage, name, "corpus '" + path + "': " + std::strerror(errno));
  std::error_code error;
  if (std::filesystem::is_directory(path, error) && ::access(path.c_str(), X_OK) != 0)
    die(kUsage, name, "corpus '" + path + "': " + std::strerror(errno));
}

std::vector<std::string> with_defaults(const TargetInfo& target, int argc, char** argv) {
  std::vector<std::string> args(argv, argv + argc);
  for (std::size_t i = 1; i < args.size(); ++i) {
    if (args[i] == "-ignore_remaining_args=1") break;
    if (args[i].starts_with("-")) continue;
    check_corpus(target.name, args[i]);
    args[i] = own_corpus(args[i], target.name);
  }
  std::vector<std::string> defaults;
  std::istringstream words(target.options);
  for (std::string word; words >> word;)
    if (!has_flag(args, word)) defaults.push_back(word);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string dict = self.parent_path() / ("fuzz_" + std::string(target.name) + ".dict");
  if (!error && !has_flag(args, "-dict=") && ::access(dict.c_str(), R_OK) == 0)
    defaults.push_back("-dict=" + dict);
  args.insert(args.begin() + 1, defaults.begin(), defaults.end());
  return args;
}
#endif

}  // namespace

std::string own_corpus(const std::string& path, const char* name) {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::path(path) / name;
  return std::filesystem::is_directory(own, error) ? own.string() : path;
}

bool has_own_namespace() { return own_namespace; }
bool says() { return is_talking; }
void set_says(bool says) { is_talking = says; }

void start(const TargetInfo& target, [[maybe_unused]] int* argc, [[maybe_unused]] char*** argv) {
  if (std::getenv("__AFL_SHM_ID") == nullptr)
    require_namespace(target.name);
  else
    require_namespace_in_children(target.name);
#ifdef PIPEWRENCH_LIBFUZZER
  static std::vector<std::string> args;  // libFuzzer keeps pointers into argv
  static std::vector<char*> pointers;
  args = with_defaults(target, *argc, *argv);
  pointers.clear();
  for (std::string& arg : args) pointers.push_back(arg.data());
  *argc = static_cast<int>(pointers.size());
  pointers.push_back(nullptr);
  *argv = pointers.data();
#endif
}

}  // namespace pipewrench
