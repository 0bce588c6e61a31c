// SPDX-License-Identifier: MIT
#include "reports/store/artefacts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "harness/core/fd.h"
#include "harness/core/whole_file.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

std::string reason(const std::string& path, int error) {
  return path + ": " + std::strerror(error);
}

bool is_hash(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::expected<void, std::string> write_whole(const std::string& path, const std::string& content) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(reason(path, errno));
  if (!write_all(file.get(), content)) return std::unexpected(reason(path, errno));
  // The database must not name what a power cut takes back.
  if (::fdatasync(file.get()) != 0) return std::unexpected(reason(path, errno));
  return {};
}

}  // namespace

std::string ArtefactFolder::path_of(const std::string& hash) const {
  return folder_ + "/" + hash.substr(0, 2) + "/" + hash.substr(2);
}

std::expected<void, std::string> ArtefactFolder::prepare() const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return std::unexpected(reason(folder_, error.value()));
  remove_half_done(folder_);
  return {};
}

std::expected<std::string, std::string> ArtefactFolder::write(const std::string& content) const {
  static std::atomic<unsigned> serial = 0;
  const std::string hash = content_hash(content);
  const std::string whole = path_of(hash);
  if (::access(whole.c_str(), F_OK) == 0) return hash;
  const std::string half = half_done_path(folder_, std::to_string(++serial));
  const std::string parent = fs::path(whole).parent_path();
  if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
    return std::unexpected(reason(parent, errno));
  if (const auto wrote = write_whole(half, content); !wrote) {
    ::unlink(half.c_str());
    return std::unexpected(wrote.error());
  }
  if (::rename(half.c_str(), whole.c_str()) != 0) return std::unexpected(reason(whole, errno));
  return hash;
}

std::expected<std::string, std::string> ArtefactFolder::read(const std::string& hash,
                                                             std::size_t most) const {
  if (!is_hash(hash)) return std::unexpected(folder_ + ": '" + hash + "' names no artefact");
  const std::string path = path_of(hash);
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::unexpected(reason(path, errno));
  std::string content;
  for (char buffer[65536];;) {
    const ssize_t got = ::read(file.get(), buffer, std::min(sizeof buffer, most - content.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(reason(path, errno));
    if (got == 0) break;
    content.append(buffer, static_cast<std::size_t>(got));
  }
  if (content.size() < most && content_hash(content) != hash)
    return std::unexpected(path + ": its content is not what was stored");
  return content;
}

}  // namespace pipewrench
