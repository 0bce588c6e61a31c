// SPDX-License-Identifier: MIT
#include "harness/conduct/proc.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "harness/core/fd.h"

namespace pipewrench {
namespace {

// A file of /proc, whole: at most the buffer. Kept open, if there is a place for it.
template <std::size_t N>
std::string_view slurp(pid_t tid, const char* name, std::array<char, N>& buffer,
                       Fd* kept = nullptr) {
  Fd own;
  Fd& file = kept != nullptr ? *kept : own;
  if (!file) {
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/%s", tid, name);
    file = Fd(open(path, O_RDONLY | O_CLOEXEC));
    if (!file) return {};
  }
  std::size_t size = 0;
  // A read of these files stops at a page of text, or short of it by one line (seq_file).
  constexpr ssize_t kNearlyPage = 2048;
  while (size < N) {
    const std::size_t room = N - size;
    const ssize_t got = pread(file.get(), buffer.data() + size, room, static_cast<off_t>(size));
    if (got > 0) size += static_cast<std::size_t>(got);
    if (got < kNearlyPage) break;
  }
  return {buffer.data(), size};
}

std::string_view field(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  std::string_view rest = text.substr(at + name.size());
  return rest.substr(0, rest.find('\n'));
}

std::uint64_t number(std::string_view text, int base) {
  char digits[32] = {};
  text.copy(digits, sizeof digits - 1);
  return std::strtoull(digits, nullptr, base);
}

}  // namespace

std::optional<TaskStatus> task_status(pid_t tid) {
  std::array<char, 4096> buffer;
  const std::string_view text = slurp(tid, "status", buffer);
  if (text.empty()) return {};
  TaskStatus status;
  status.tgid = static_cast<pid_t>(number(field(text, "\nTgid:"), 10));
  status.parent = static_cast<pid_t>(number(field(text, "\nPPid:"), 10));
  const std::string_view pids = field(text, "\nNSpid:");
  const std::size_t last = pids.find_last_of('\t');
  if (last != std::string_view::npos)
    status.inner = static_cast<pid_t>(number(pids.substr(last + 1), 10));
  status.threads = static_cast<std::uint32_t>(number(field(text, "\nThreads:"), 10));
  status.own_pending = number(field(text, "\nSigPnd:"), 16);
  status.shared_pending = number(field(text, "\nShdPnd:"), 16);
  status.blocked = number(field(text, "\nSigBlk:"), 16);
  status.ignored = number(field(text, "\nSigIgn:"), 16);
  status.caught = number(field(text, "\nSigCgt:"), 16);
  return status;
}

std::optional<TaskStat> task_stat(pid_t tid, Fd* kept) {
  std::array<char, 1024> buffer;
  std::string_view text = slurp(tid, "stat", buffer, kept);
  // The second field is the program's name in brackets, which may hold anything (proc(5)).
  const std::size_t name_end = text.rfind(") ");
  if (name_end == std::string_view::npos) return {};
  text.remove_prefix(name_end + 2);
  TaskStat stat;
  stat.state = text[0];
  constexpr int kFlags = 9, kUtime = 14, kStime = 15, kExitCode = 52;
  constexpr std::uint64_t kExiting = 4;  // PF_EXITING
  for (int i = 3; !text.empty(); ++i) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (i == kFlags) stat.exiting = (number(word, 10) & kExiting) != 0;
    if (i == kUtime || i == kStime) stat.cpu_ticks += number(word, 10);
    if (i == kExitCode) stat.exit_status = static_cast<int>(number(word, 10));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return stat;
}

std::uint64_t memory_of(pid_t pid, bool exactly) {
  std::array<char, 1024> buffer;
  if (exactly) return number(field(slurp(pid, "smaps_rollup", buffer), "\nPss:"), 10) << 10;
  const std::string_view text = slurp(pid, "statm", buffer);  // the second word: resident pages
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return 0;
  return number(text.substr(space + 1), 10) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

long sleeping_call(pid_t tid) {
  std::array<char, 256> buffer;
  const std::string_view text = slurp(tid, "syscall", buffer);
  if (text.empty() || text.starts_with("running")) return -1;
  return static_cast<long>(number(text, 10));
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  char name[48];
  std::snprintf(name, sizeof name, "task/%d/children", pid);
  std::array<char, 16384> buffer;
  std::string_view text = slurp(pid, name, buffer);
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos) break;
    children.push_back(static_cast<pid_t>(number(text.substr(0, end), 10)));
    text.remove_prefix(end + 1);
  }
  return children;
}

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> threads;
  const std::string path = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), &closedir);
  while (const dirent* entry = directory ? readdir(directory.get()) : nullptr)
    if (entry->d_name[0] != '.') threads.push_back(static_cast<pid_t>(std::atoi(entry->d_name)));
  return threads;
}

std::uint64_t auxiliary_of(pid_t pid, std::uint64_t type) {
  std::array<char, 1024> buffer;
  const std::string_view text = slurp(pid, "auxv", buffer);
  for (std::size_t i = 0; i + sizeof(Elf64_auxv_t) <= text.size(); i += sizeof(Elf64_auxv_t)) {
    Elf64_auxv_t entry;
    std::memcpy(&entry, text.data() + i, sizeof entry);
    if (entry.a_type == type) return entry.a_un.a_val;
  }
  return 0;
}

}  // namespace pipewrench
