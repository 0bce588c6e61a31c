// SPDX-License-Identifier: MIT
#include "targets/fuzz/private_dir.h"

#include <sched.h>
#include <sys/mount.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace fuzz {
namespace {

// Is there on every Linux, and nothing that a fuzzer, its runtime or its user needs is in it.
constexpr const char* kMountPoint = "/proc/tty";

bool mount_in_own_namespace() {
  // Without MS_PRIVATE the mount could show in the namespace that this one is a copy of.
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("tmpfs", kMountPoint, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") == 0;
}

std::string make() {
  if (mount_in_own_namespace()) return kMountPoint;
  static std::string path = (std::filesystem::temp_directory_path() / "pipewrench.XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    std::perror(path.c_str());
    std::exit(3);
  }
  std::atexit([] {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  });
  return path;
}

}  // namespace

const std::string& private_dir() {
  static const std::string path = make();
  return path;
}

}  // namespace fuzz
