// SPDX-License-Identifier: MIT
#include "harness/cli/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ranges>
#include <system_error>

#include "harness/core/fd.h"
#include "harness/core/printable.h"
#include "harness/scenario/parse_scenario.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

bool is_program(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

bool is_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const auto folder : std::views::split(std::string_view(path ? path : ""), ':'))
    if (is_program(std::string(folder.begin(), folder.end()) + "/" + program)) return true;
  return false;
}

std::expected<Scenario, BadInput> with_programs(Scenario scenario, const std::string& file) {
  for (const Peer& peer : scenario.peers) {
    const std::string& program = peer.run.front();
    const bool found =
        program.find('/') == std::string::npos ? is_in_path(program) : is_program(program);
    if (!found)
      return std::unexpected(BadInput{
          .file = file, .cause = "no program '" + printable(program) + "' for peer " + peer.name});
  }
  return scenario;
}

std::expected<Scenario, BadInput> load_scenario_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  if (text->starts_with("\x7f"
                        "ELF") ||
      text->starts_with("#!"))
    return std::unexpected(
        BadInput{.file = path,
                 .cause = "a program, not a scenario: programs come after --, as in -- " + path});
  return parse_scenario(*text, path);
}

std::expected<void, BadInput> read_finding(const std::string& path, LoadedFinding& stored) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object())
    return std::unexpected(BadInput{.file = path, .cause = "not a JSON object"});
  const auto word = [&](const char* key) {
    const auto found = json.find(key);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  stored.kind = word("kind");
  stored.signature = word("signature");
  stored.directory = word("directory");
  stored.path = word("path");
  const auto seed = json.find("seed");
  if (seed != json.end() && seed->is_number_unsigned()) stored.seed = seed->get<std::uint64_t>();
  return {};
}

}  // namespace

std::expected<std::string, BadInput> read_file(const std::string& path) {
  const auto bad = [&](const std::string& cause) {
    return std::unexpected(BadInput{.file = path, .cause = cause});
  };
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return bad(std::strerror(errno));
  std::string text;
  char chunk[1 << 16];
  while (text.size() <= kMaxFile) {
    const ssize_t got = ::read(file.get(), chunk, sizeof(chunk));
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return bad(std::strerror(errno));
    text.append(chunk, static_cast<std::size_t>(got));
  }
  return bad("larger than " + std::to_string(kMaxFile) + " bytes");
}

std::expected<Scenario, BadInput> load_scenario(const Arguments& arguments) {
  const bool from_file = !arguments.subject.empty();
  if (from_file == !arguments.words.empty())
    return std::unexpected(
        BadInput{.file = "command line", .cause = "a scenario file, or peers after --: just one"});
  auto scenario = from_file ? load_scenario_file(arguments.subject) : scenario_of(arguments.words);
  if (!scenario) return scenario;
  for (Peer& peer : scenario->peers) peer.tty = peer.tty || arguments.tty;
  return with_programs(std::move(*scenario), from_file ? arguments.subject : "command line");
}

std::expected<Plan, BadInput> load_plan(const std::string& path, const Scenario& scenario) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  auto plan = parse_plan(*text, path);
  if (!plan || stranger_in(*plan, scenario).empty()) return plan;
  BadInput bad{.file = path};
  for (const auto line : std::views::split(*text, '\n')) {
    ++bad.line;
    const auto one = parse_plan(std::string_view(line.begin(), line.end()), path);
    const std::string nobody = one ? stranger_in(*one, scenario) : "";
    if (nobody.empty()) continue;
    bad.cause = "no peer is named \"" + nobody + "\"; there are ";
    for (const Peer& peer : scenario.peers)
      bad.cause += (&peer == &scenario.peers[0] ? "" : ", ") + peer.name;
    break;
  }
  return std::unexpected(bad);
}

std::expected<LoadedFinding, BadInput> load_stored(const Arguments& arguments) {
  std::error_code ignored;
  const fs::path subject = fs::absolute(arguments.subject, ignored);
  const bool is_finding = fs::is_directory(subject, ignored);
  const fs::path folder = is_finding ? subject : subject.parent_path();
  if (!fs::exists(subject, ignored))
    return std::unexpected(BadInput{.file = arguments.subject, .cause = std::strerror(ENOENT)});
  LoadedFinding stored;
  if (is_finding || fs::exists(folder / "finding.json", ignored))
    if (const auto read = read_finding(folder / "finding.json", stored); !read)
      return std::unexpected(read.error());
  const std::string file = folder / "scenario.toml";
  auto scenario = arguments.words.empty() ? load_scenario_file(file) : scenario_of(arguments.words);
  if (!scenario) return std::unexpected(scenario.error());
  auto plan = load_plan(is_finding ? folder / "plan.txt" : subject, *scenario);
  if (!plan) return std::unexpected(plan.error());
  stored.plan = std::move(*plan);
  if (arguments.words.empty()) {
    if (!stored.directory.empty()) fs::current_path(stored.directory, ignored);
    if (!stored.path.empty()) ::setenv("PATH", stored.path.c_str(), 1);
  }
  scenario = with_programs(std::move(*scenario), file);
  if (!scenario) return std::unexpected(scenario.error());
  stored.scenario = std::move(*scenario);
  return stored;
}

}  // namespace pipewrench
