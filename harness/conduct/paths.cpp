// SPDX-License-Identifier: MIT
#include "harness/conduct/paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <memory>

#include "harness/conduct/stage.h"

namespace pipewrench {

std::string outside_path(const Run& run, std::uint32_t task, int directory,
                         const std::string& path) {
  const std::string process = "/proc/" + std::to_string(run.processes[run.live[task].process].pid);
  if (path.starts_with('/')) return process + "/root" + path;
  if (directory == AT_FDCWD) return process + "/cwd/" + path;
  return process + "/fd/" + std::to_string(directory) + "/" + path;
}

std::string shown_path(const Run& run, std::uint32_t, const std::string& path) {
  if (path.starts_with('/')) return run.peer_path(path);
  return path.starts_with("./") ? path : "./" + path;
}

std::vector<std::uint32_t> holders_of(const Run& run, std::uint64_t device, std::uint64_t inode,
                                      bool for_writing) {
  std::vector<std::uint32_t> holders;
  for (const Process& process : run.processes) {
    if (process.dead) continue;
    const std::string path = "/proc/" + std::to_string(process.pid) + "/fd";
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), &closedir);
    if (!directory) continue;
    while (const dirent* entry = readdir(directory.get())) {
      if (entry->d_name[0] == '.') continue;
      struct stat info{}, link{};
      const int at = dirfd(directory.get());
      if (fstatat(at, entry->d_name, &info, 0) != 0 || !S_ISFIFO(info.st_mode)) continue;
      if (info.st_dev != device || info.st_ino != inode) continue;
      // The link's own permission bits tell how the file is open (proc(5)).
      if (fstatat(at, entry->d_name, &link, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if ((link.st_mode & (for_writing ? S_IWUSR : S_IRUSR)) == 0) continue;
      holders.push_back(process.main);
      break;
    }
  }
  return holders;
}

bool fifo_is_held(Run& run, std::uint32_t object, bool for_writing, std::uint32_t opener) {
  // Somebody may sleep in open() of the other end: he wakes when this one comes.
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    const Live& other = run.live[task];
    if (task == opener || other.state != State::asleep || other.slept.object != object) continue;
    const bool writes = (static_cast<std::uint64_t>(other.slept.number) & O_ACCMODE) == O_WRONLY;
    if (writes == for_writing) return true;
  }
  const ObjectState& state = run.objects[object];
  if (!(for_writing ? state.opened_for_writing : state.opened_for_reading)) return false;
  return !holders_of(run, state.device, state.inode, for_writing).empty();
}

}  // namespace pipewrench
