// SPDX-License-Identifier: MIT
#include "harness/conduct/places.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <array>
#include <fstream>
#include <memory>

namespace pipewrench {
namespace {

int remove_entry(const char* path, const struct stat*, int, FTW* where) {
  if (where->level > 0) ::remove(path);
  return 0;
}

bool make_directory(const std::string& path) {
  return mkdir(path.c_str(), 0700) == 0 && chmod(path.c_str(), 01777) == 0;
}

// The fifth field of a line of mountinfo is where it is mounted (proc(5)).
bool has_mounts_below(const std::string& directory) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::size_t at = 0;
    for (int i = 0; i < 4 && at != std::string::npos; ++i) at = line.find(' ', at + 1);
    if (at != std::string::npos && line.compare(at + 1, directory.size() + 1, directory + "/") == 0)
      return true;
  }
  return false;
}

std::string work_of(const Place& place) { return place.made + ".work"; }

void mount_place(const Place& place) {
  if (!place.overlaid) {
    mount(place.made.c_str(), place.shown.c_str(), nullptr, MS_BIND, nullptr);
    return;
  }
  const std::string layers =
      "lowerdir=" + place.shown + ",upperdir=" + place.made + ",workdir=" + work_of(place);
  // In a user namespace an overlay may keep its marks in attributes of users only.
  for (const char* more : {",userxattr", ""})
    if (mount("pipewrench", place.shown.c_str(), "overlay", MS_NOSUID | MS_NODEV,
              (layers + more).c_str()) == 0)
      return;
}

}  // namespace

std::vector<Place> make_places(const std::string& base) {
  std::vector<Place> places;
  for (Place& place :
       std::array<Place, 2>{{{"/tmp", base + "/tmp", true}, {"/dev/shm", base + "/shm", false}}}) {
    struct stat info{};
    if (stat(place.shown.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    if (has_mounts_below(place.shown)) continue;
    if (make_directory(place.made) && make_directory(work_of(place))) places.push_back(place);
  }
  return places;
}

void mount_places(const std::vector<Place>& places) {
  for (const Place& place : places) mount_place(place);
}

void unmount_places(const std::vector<Place>& places) {
  for (const Place& place : places) umount2(place.shown.c_str(), MNT_DETACH);
}

bool is_empty(const Place& place) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(place.made.c_str()), &closedir);
  int entries = 0;
  while (directory && entries <= 2 && readdir(directory.get()) != nullptr) ++entries;
  return entries <= 2;  // "." and ".."
}

void empty_places(const std::vector<Place>& places) {
  for (const Place& place : places)
    for (const std::string& path : {place.made, work_of(place)}) empty_directory(path);
}

void empty_directory(const std::string& path) {
  nftw(path.c_str(), &remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

}  // namespace pipewrench
