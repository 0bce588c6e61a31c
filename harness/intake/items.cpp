// SPDX-License-Identifier: MIT
#include "harness/intake/items.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include "reports/triage/log.h"
#include "reports/triage/signature.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 5> kClaims = {"crash-", "leak-", "timeout-", "oom-",
                                                     "slow-unit-"};
constexpr std::array<std::string_view, 3> kPrograms = {"replay_", "fuzz_", "afl_"};
constexpr int kMostAbove = 4;            // folders above an item that are looked into
constexpr std::size_t kMostNear = 4096;  // entries of one of them
constexpr std::size_t kElfType = 16;     // e_type of elf(5)
constexpr unsigned char kCore = 4;

std::string claim_of(std::string_view name) {
  for (const std::string_view claim : kClaims)
    if (name.starts_with(claim)) return std::string(claim.substr(0, claim.size() - 1));
  return {};
}

bool is_core(std::string_view content) {
  return content.size() > kElfType + 1 &&
         content.starts_with(
             "\x7f"
             "ELF") &&
         static_cast<unsigned char>(content[kElfType]) == kCore;
}

bool is_text(std::string_view content) { return content.find('\0') == std::string_view::npos; }

bool is_conducted(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / "finding.json", error) && fs::exists(folder / "plan.txt", error);
}

// A file's item; none for what is beside artefacts and no artefact: READMEs, statistics, logs that
// tell of no failure.
std::vector<Item> item_of(const fs::path& path, bool is_asked_for) {
  const std::string name = path.filename();
  if (const std::string claim = claim_of(name); !claim.empty() && !name.ends_with(".log"))
    return {{ItemKind::input, path, "libfuzzer", claim}};
  if (name.starts_with("id:") || name.starts_with("id_")) {
    const bool hangs = path.parent_path().filename() == "hangs";
    return {{ItemKind::input, path, "afl++", hangs ? "hang" : "crash"}};
  }
  const auto begin = content_of(path, kMostLog_bytes);
  if (!begin || begin->empty()) return {};
  if (is_core(*begin)) return {{ItemKind::core, path, "core", "crash"}};
  if (is_text(*begin) && !crash_of(*begin).kind.empty())
    return {{ItemKind::log, path, "sanitizer", "crash"}};
  if (is_asked_for && begin->size() <= kMostInput_bytes)
    return {{ItemKind::input, path, "libfuzzer", "crash"}};
  return {};
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

void collect(const fs::path& folder, std::vector<Item>& items) {
  if (is_conducted(folder)) {
    items.push_back({ItemKind::conducted, folder, "conductor", ""});
    return;
  }
  std::error_code error;
  const bool is_afl = fs::exists(folder / "fuzzer_stats", error);
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (!is_hidden(entry.path())) entries.push_back(entry.path());
  std::ranges::sort(entries);
  for (const fs::path& entry : entries) {
    if (items.size() >= kMostItems) return;
    const bool is_folder = fs::is_directory(fs::symlink_status(entry, error));
    // Of AFL++'s output only these are findings.
    const bool is_asked = !is_afl || entry.filename() == "crashes" || entry.filename() == "hangs";
    if (is_folder && is_asked) collect(entry, items);
    if (is_folder || is_afl || !fs::is_regular_file(entry, error)) continue;
    for (Item& item : item_of(entry, false)) items.push_back(std::move(item));
  }
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::vector<fs::path> programs_in(const fs::path& folder) {
  std::vector<fs::path> programs;
  std::error_code error;
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (++seen > kMostNear) break;
    const std::string name = entry.path().filename();
    const auto starts = [&](std::string_view start) { return name.starts_with(start); };
    if (std::ranges::any_of(kPrograms, starts) && is_program(entry.path()))
      programs.push_back(entry.path());
  }
  std::ranges::sort(programs);
  return programs;
}

std::vector<fs::path> folders_above(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> folders;
  fs::path folder = fs::absolute(path, error).lexically_normal();
  for (int i = 0; i < kMostAbove && folder.has_relative_path(); ++i) {
    folder = folder.parent_path();
    folders.push_back(folder);
  }
  return folders;
}

}  // namespace

std::expected<std::string, std::string> content_of(const std::string& path,
                                                   std::size_t most_bytes) {
  std::error_code error;
  if (fs::is_directory(path, error)) return std::unexpected(path + ": is a directory");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, 65536> chunk;
  while (file && content.size() < most_bytes) {
    file.read(chunk.data(),
              static_cast<std::streamsize>(std::min(chunk.size(), most_bytes - content.size())));
    content.append(chunk.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad() || (content.empty() && errno != 0))
    return std::unexpected(path + ": " + std::strerror(errno));
  return content;
}

std::expected<std::vector<Item>, std::string> items_at(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) return std::unexpected(path + ": no such file or directory");
  std::vector<Item> items;
  if (fs::is_directory(status)) {
    if (::access(path.c_str(), R_OK | X_OK) != 0)
      return std::unexpected(path + ": " + std::strerror(errno));
    collect(path, items);
  } else if (fs::is_regular_file(status)) {
    if (::access(path.c_str(), R_OK) != 0)
      return std::unexpected(path + ": " + std::strerror(errno));
    items = item_of(path, true);
  } else {
    return std::unexpected(path + ": neither a file nor a directory");
  }
  if (items.empty())
    return std::unexpected(path + ": nothing to take in: no artefact, log, core or finding");
  return items;
}

std::vector<std::string> programs_near(const Item& item, const std::string& log) {
  for (const fs::path& folder : folders_above(item.path)) {
    const std::vector<fs::path> all = programs_in(folder);
    std::set<std::string> targets, named;
    for (const fs::path& program : all) {
      targets.insert(target_of(program.string()));
      if (log.find(program.filename().string()) != std::string::npos)
        named.insert(target_of(program.string()));
    }
    const std::set<std::string>& chosen = named.empty() ? targets : named;
    if (chosen.size() != 1) continue;
    std::vector<std::string> programs;
    for (const fs::path& program : all)
      if (target_of(program.string()) == *chosen.begin()) programs.push_back(program);
    return programs;
  }
  return {};
}

std::vector<std::string> siblings_of(const std::string& program) {
  const fs::path path(program);
  const std::string name = path.filename();
  if (name.find('_') == std::string::npos) return {};
  const std::string rest = name.substr(name.find('_'));  // the planted ones keep their names
  std::vector<std::string> siblings;
  std::error_code error;
  for (const auto& build : fs::directory_iterator(path.parent_path().parent_path(), error)) {
    if (siblings.size() >= kMostNear) break;
    for (const std::string_view start : {"replay", "fuzz"}) {
      const fs::path other = build.path() / (std::string(start) + rest);
      if (build.is_directory(error) && is_program(other) && build.path() != path.parent_path()) {
        siblings.push_back(other);
        break;
      }
    }
  }
  std::ranges::sort(siblings);
  return siblings;
}

std::string decoder_of(const std::string& program) {
  for (const fs::path& folder : folders_above(program)) {
    const fs::path decoder = folder / ("replay_" + target_of(program));
    if (is_program(decoder)) return decoder;
  }
  return {};
}

}  // namespace pipewrench
