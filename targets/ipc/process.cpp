// SPDX-License-Identifier: MIT
#include "targets/ipc/process.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>

#include "targets/ipc/fd.h"

namespace ipc {
namespace {

// proc(5): of the 52 fields of stat the first 22, and of status the lines up to Uid, are all that
// is read here; they fit in this many bytes with any name.
constexpr std::size_t kMostBytes = 1024;

struct Stat {
  char state = '?';
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;
};

Result<std::string> read_begin(const std::string& path) {
  Fd file;
  do {  // nothing was opened: EINTR is retried
    file = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  } while (!file && errno == EINTR);
  if (!file) return fail("open", {}, path);
  std::string text(kMostBytes, '\0');
  std::size_t used = 0;
  while (used < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + used, text.size() - used);
    if (count < 0 && errno == EINTR) continue;  // nothing was read: ask again
    if (count < 0) return fail("read", {}, path);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  text.resize(used);
  return text;
}

// comm, the second field, may hold blanks and brackets; nothing behind its last ')' does (proc(5)).
Result<Stat> parse_stat(std::string_view text, const std::string& path) {
  constexpr int kState = 3, kThreads = 20, kStart = 22;
  Stat stat;
  int field = 2;
  std::size_t at = text.rfind(')');
  while (at != text.npos && field < kStart) {
    at = text.find_first_not_of(' ', at + 1);
    if (at == text.npos) break;
    const std::size_t end = text.find(' ', at);
    const std::string_view word = text.substr(at, end == text.npos ? end : end - at);
    ++field;
    if (field == kState) stat.state = word[0];
    if (field == kThreads || field == kStart) {
      std::uint64_t& number = field == kThreads ? stat.threads : stat.start_ticks;
      const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
      if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size()) break;
      if (field == kStart) return stat;
    }
    at = end;
  }
  return fail(Kind::corrupt, 0, "parse_stat", {}, path);
}

Result<Stat> stat_of(const std::string& path) {
  auto text = read_begin(path);
  if (!text) return std::unexpected(text.error());
  return parse_stat(*text, path);
}

std::string stat_path(pid_t pid) { return "/proc/" + std::to_string(pid) + "/stat"; }

// ENOENT: no such process. ESRCH comes from read() where it ended after open() (proc(5)).
Failure about(pid_t pid, const Error& error, const char* call) {
  if (error.number == ENOENT || error.number == ESRCH)
    return fail(Kind::peer_gone, ESRCH, call, {{{"pid", pid}}});
  return Failure(error);
}

bool exists(pid_t pid) { return ::kill(pid, 0) == 0 || errno != ESRCH; }

}  // namespace

Result<ProcessId> self() {
  const auto stat = stat_of("/proc/self/stat");
  if (!stat) return std::unexpected(stat.error());
  return ProcessId{.pid = ::getpid(), .start_ticks = stat->start_ticks};
}

Result<ProcessId> identify(pid_t pid) {
  if (pid < 1) return fail(Kind::bad_argument, 0, "identify", {{{"pid", pid}}});
  const auto stat = stat_of(stat_path(pid));
  if (stat) return ProcessId{.pid = pid, .start_ticks = stat->start_ticks};
  return about(pid, stat.error(), "identify");
}

// The line is "Uid:", then real, effective, saved and file system user (proc(5)).
Result<uid_t> effective_uid(pid_t pid) {
  constexpr std::string_view kUid = "\nUid:\t";
  if (pid < 1) return fail(Kind::bad_argument, 0, "effective_uid", {{{"pid", pid}}});
  const std::string path = "/proc/" + std::to_string(pid) + "/status";
  const auto text = read_begin(path);
  if (!text) return about(pid, text.error(), "effective_uid");
  const std::size_t line = text->find(kUid);
  const std::size_t tab = line == text->npos ? line : text->find('\t', line + kUid.size());
  uid_t uid = 0;
  if (tab == text->npos ||
      std::from_chars(text->data() + tab + 1, text->data() + text->size(), uid).ec != std::errc())
    return fail(Kind::corrupt, 0, "effective_uid", {}, path);
  return uid;
}

bool is_alive(ProcessId id) {
  if (id.pid < 1 || !exists(id.pid)) return false;
  const auto stat = stat_of(stat_path(id.pid));
  if (!stat) return exists(id.pid);  // it may have gone in between
  if (stat->start_ticks != id.start_ticks) return false;
  // The state is the first thread's; others may live on after it has ended.
  const bool leader_ended = stat->state == 'Z' || stat->state == 'X' || stat->state == 'x';
  return !leader_ended || stat->threads > 1;
}

}  // namespace ipc
