// SPDX-License-Identifier: MIT
#include "targets/ipc/key.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "targets/ipc/alarm.h"

namespace ipc {
namespace {

// The whole content: this word, a blank, the id in decimal, a newline.
constexpr std::string_view kWord = "sysv-id ";
constexpr std::size_t kMostBytes = 64;

Result<> check_owner(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode))
    return fail(Kind::wrong_type, 0, "open", {}, path + " is not a regular file");
  if (status.st_uid != ::geteuid())
    return fail(Kind::permission, 0, "open", {{{"uid", status.st_uid}}},
                path + " is another user's");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(Kind::permission, 0, "open", {{{"mode", status.st_mode & 07777}}},
                path + " may be written by others");
  return {};
}

}  // namespace

Result<KeyFile> KeyFile::open(std::string path, int project, Deadline deadline) {
  if (project < 1 || project > 255)  // ftok(3): zero low bits are unspecified, higher ones are cut
    return fail(Kind::bad_argument, 0, "ftok", {{{"proj_id", project}}}, path);
  constexpr int kFlags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  Fd descriptor(::open(path.c_str(), kFlags, 0600));
  if (!descriptor && errno == ELOOP)
    return fail(Kind::wrong_type, ELOOP, "open", {}, path + " is a symbolic link");
  if (!descriptor) return fail("open", {}, path);
  KeyFile file(std::move(path), std::move(descriptor));
  struct stat status{};
  if (::fstat(file.file_.get(), &status) != 0) return fail("fstat", {}, file.path_);
  if (auto owned = check_owner(status, file.path_); !owned) return Failure(owned.error());
  if (auto locked = file.lock(deadline); !locked) return Failure(locked.error());
  if (auto loaded = file.load(project); !loaded) return Failure(loaded.error());
  return file;
}

// EINTR is the alarm or a handler of the program: go on until the deadline.
Result<> KeyFile::lock(Deadline deadline) {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK || deadline.is_now()) return fail("flock", {}, path_);
  const auto alarm = Alarm::arm(deadline);
  if (!alarm) return Failure(alarm.error());
  while (::flock(file_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail("flock", {}, path_);
    if (deadline.expired()) return fail(Kind::timed_out, 0, "flock", {}, path_);
  }
  return {};
}

Result<> KeyFile::load(int project) {
  key_ = ::ftok(path_.c_str(), project);
  if (key_ == -1) return fail("ftok", {{{"proj_id", project}}}, path_);
  std::array<char, kMostBytes> bytes;
  const ssize_t size = ::pread(file_.get(), bytes.data(), bytes.size(), 0);
  if (size < 0) return fail("pread", {}, path_);
  if (size == 0) return {};
  std::string_view text(bytes.data(), static_cast<std::size_t>(size));
  int id = -1;
  if (text.starts_with(kWord) && text.ends_with('\n')) {
    const char* const end = text.data() + text.size() - 1;
    const auto parsed = std::from_chars(text.data() + kWord.size(), end, id);
    if (parsed.ec == std::errc() && parsed.ptr == end && id >= 0) {
      id_ = id;
      return {};
    }
  }
  return fail(Kind::corrupt, 0, "open", {}, path_ + " is not a key file");
}

// A short write of these few bytes to a regular file means a full disk: said as such.
Result<> KeyFile::record(int id) {
  const std::string text = std::string(kWord) + std::to_string(id) + "\n";
  if (::ftruncate(file_.get(), 0) != 0) return fail("ftruncate", {}, path_);
  const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), 0);
  if (written < 0) return fail("pwrite", {}, path_);
  if (static_cast<std::size_t>(written) != text.size())
    return fail(Kind::no_space, ENOSPC, "pwrite", {}, path_);
  id_ = id;
  return {};
}

Result<> KeyFile::check(int id) const {
  if (id_ == id) return {};
  return fail(Kind::exists, 0, "ftok",
              {{{"key", key_}, {"id", id}, {"recorded", id_.value_or(-1)}}},
              "this key belongs to an object that " + path_ + " did not make");
}

Result<> KeyFile::unlink() {
  struct stat named{};
  struct stat mine{};
  if (::fstat(file_.get(), &mine) != 0) return fail("fstat", {}, path_);
  if (::lstat(path_.c_str(), &named) != 0) return fail("lstat", {}, path_);
  if (named.st_dev != mine.st_dev || named.st_ino != mine.st_ino)
    return fail(Kind::stale, 0, "unlink", {}, path_ + " is another file by now");
  if (::unlink(path_.c_str()) != 0) return fail("unlink", {}, path_);
  return {};
}

Result<MessageQueue> open_queue(KeyFile& file, OnStale on_stale) {
  if (const int id = ::msgget(file.key(), 0); id >= 0) {
    if (auto ours = file.check(id); !ours) return Failure(ours.error());
  }
  auto queue = MessageQueue::create_or_open(file.key(), on_stale);
  if (!queue) return queue;
  if (auto settled = queue->is_owner() ? file.record(queue->id()) : file.check(queue->id());
      !settled)
    return Failure(settled.error());
  return queue;
}

}  // namespace ipc
