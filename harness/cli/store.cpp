// SPDX-License-Identifier: MIT
#include "harness/cli/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "harness/core/fd.h"
#include "harness/core/whole_file.h"
#include "harness/finding/finding_json.h"
#include "harness/finding/story.h"
#include "harness/scenario/parse_scenario.h"
#include "harness/scenario/trace_json.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

std::string reason(const std::string& path, int error) {
  return path + ": " + std::strerror(error);
}

std::string json_of(const Finding& finding, const std::string& replay, std::uint64_t seed) {
  auto json = nlohmann::json::parse(to_json(finding, replay));
  std::error_code ignored;
  const char* path = std::getenv("PATH");
  json["seed"] = seed;
  json["directory"] = fs::current_path(ignored).string();
  json["path"] = path == nullptr ? "" : path;
  return json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string shell_word(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./:,=+@%").find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::expected<void, std::string> write_file(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file) return std::unexpected(reason(path, errno));
  if (!write_all(file.get(), text)) return std::unexpected(reason(path, errno));
  return {};
}

std::vector<FindingFile> files_of(const Finding& finding, const Scenario& scenario,
                                  const std::string& replay, std::string json) {
  std::vector<FindingFile> files = {
      {"scenario", "scenario.toml", print_scenario(scenario)},
      {"plan", "plan.txt", print(finding.plan)},
      {"trace", "trace.jsonl", to_json_lines(finding.trace)},
      {"finding", "finding.json", std::move(json)},
      {"story", "README", story(finding, scenario, replay, LadderStyle{})}};
  const std::size_t peers = std::min(scenario.peers.size(), finding.trace.outputs.size());
  for (std::size_t i = 0; i < peers; ++i) {
    files.push_back({"out", scenario.peers[i].name + ".out", finding.trace.outputs[i].out});
    files.push_back({"err", scenario.peers[i].name + ".err", finding.trace.outputs[i].err});
  }
  return files;
}

std::expected<void, std::string> write_finding(const std::string& folder, const Finding& finding,
                                               const Scenario& scenario, const std::string& replay,
                                               std::uint64_t seed) {
  for (const auto& [role, name, text] :
       files_of(finding, scenario, replay, json_of(finding, replay, seed)))
    if (auto wrote = write_file(folder + "/" + name, text); !wrote) return wrote;
  return {};
}

std::expected<Store, std::string> Store::open(const std::string& out, std::uint64_t seed) {
  std::error_code error;
  fs::create_directories(out, error);
  if (error) return std::unexpected(reason(out, error.value()));
  if (::access(out.c_str(), W_OK | X_OK) != 0) return std::unexpected(reason(out, errno));
  remove_half_done(out);
  return Store(out, seed);
}

std::string Store::path_of(const Finding& finding) const {
  return out_ + "/" + finding.kind + "-" + finding.id;
}

std::string Store::replay_of(const Finding& finding) const {
  return "pipewrench replay " + shell_word(path_of(finding));
}

std::expected<void, std::string> Store::write(const Finding& finding,
                                              const Scenario& scenario) const {
  const std::string half = half_done_path(out_, finding.id);
  const std::string whole = path_of(finding);
  std::error_code error;
  fs::remove_all(half, error);
  if (!fs::create_directory(half, error)) return std::unexpected(reason(half, error.value()));
  if (auto wrote = write_finding(half, finding, scenario, replay_of(finding), seed_); !wrote) {
    fs::remove_all(half, error);
    return wrote;
  }
  // rename(2) replaces no directory that holds something: the old one changes places with the new
  // one first.
  if (::renameat2(AT_FDCWD, half.c_str(), AT_FDCWD, whole.c_str(), RENAME_EXCHANGE) != 0 &&
      ::rename(half.c_str(), whole.c_str()) != 0) {
    const int renaming = errno;
    fs::remove_all(half, error);
    return std::unexpected(reason(whole, renaming));
  }
  fs::remove_all(half, error);
  return {};
}

}  // namespace pipewrench
