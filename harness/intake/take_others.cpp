// Take: what is no input of a fuzz target: logs and cores.
// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "harness/intake/child.h"
#include "harness/intake/take.h"
#include "reports/triage/frames.h"
#include "reports/triage/signature.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostSource_bytes = std::size_t{4} << 20;
constexpr std::uint32_t kAround = 3;        // lines on each side
constexpr std::uint32_t kMostSources = 24;  // frames of a finding that get theirs
constexpr std::uint32_t kReplayTimeout_ms = 120'000;
constexpr const char* kGdb = "/usr/bin/gdb";
// Logs are hostile: of what they name only sources are read.
constexpr std::array<std::string_view, 9> kSources = {".c",  ".cc",  ".cpp", ".cxx", ".h",
                                                      ".hh", ".hpp", ".rs",  ".ipp"};
constexpr std::string_view kUnit = "Test unit written to ";

FindingRecord record_of(const Crash& crash, const Item& item) {
  FindingRecord finding;
  finding.kind = crash.kind;
  finding.signature = signature_of(crash);
  finding.cause = sentence_of(crash);
  finding.stacks = crash.stacks;
  read_sources(finding.stacks);
  Occurrence once;
  once.tool = item.tool;
  once.sanitizer = crash.tool;
  once.source = item.path;
  finding.occurrences.push_back(std::move(once));
  return finding;
}

// The input that a log of libFuzzer says it wrote, looked for beside the log only.
std::string input_named_in(const std::string& log, const std::string& path) {
  const std::size_t at = log.rfind(kUnit);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + kUnit.size();
  const std::string named = log.substr(begin, std::min(log.find('\n', begin), log.size()) - begin);
  const fs::path beside = fs::path(path).parent_path() / fs::path(named).filename();
  std::error_code error;
  return fs::is_regular_file(beside, error) ? beside.string() : std::string();
}

// Lines first..first+count of a text.
std::string lines_from(const std::string& text, std::uint32_t first, std::uint32_t count) {
  std::size_t at = 0;
  for (std::uint32_t line = 1; line < first; ++line) {
    at = text.find('\n', at);
    if (at == std::string::npos) return {};
    ++at;
  }
  std::size_t end = at;
  for (std::uint32_t line = 0; line < count && end < text.size(); ++line)
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  return text.substr(at, end - at);
}

}  // namespace

void read_sources(std::vector<Stack>& stacks) {
  std::uint32_t read = 0;
  for (Stack& stack : stacks)
    for (StackFrame& frame : stack.frames) {
      const bool is_source = std::ranges::any_of(
          kSources, [&](std::string_view end) { return frame.file.ends_with(end); });
      if (!frame.ours || !is_source || frame.line == 0 || read == kMostSources) continue;
      std::error_code error;
      if (!fs::is_regular_file(frame.file, error)) continue;
      const auto text = content_of(frame.file, kMostSource_bytes);
      if (!text) continue;
      ++read;
      frame.source_line = frame.line > kAround ? frame.line - kAround : 1;
      frame.source =
          lines_from(*text, frame.source_line, frame.line - frame.source_line + kAround + 1);
    }
}

std::expected<Taken, std::string> Taker::take_log(const Item& item) {
  const auto log = content_of(item.path, kMostLog_bytes);
  if (!log) return std::unexpected(log.error());
  if (const std::string input = input_named_in(*log, item.path); !input.empty()) {
    Item better = item;
    better.kind = ItemKind::input;
    better.path = input;
    if (auto taken = take_input(better)) return taken;
  }
  const Crash crash = crash_of(*log);
  Taken taken{.finding = record_of(crash, item),
              .within = {},
              .program = {},
              .top_three = top_three_frames(crash)};
  const auto near = programs_near(item, *log);
  taken.finding.target = options_.target.empty() ? (near.empty() ? "" : target_of(near.front()))
                                                 : target_of(options_.target);
  taken.finding.id = id_of(taken.finding);
  taken.finding.unstable = true;  // there is nothing to run again
  taken.finding.occurrences.front().artefacts.push_back(
      artefact_of("log", fs::path(item.path).filename(), *log));
  return taken;
}

std::expected<Taken, std::string> Taker::take_core(const Item& item) {
  if (::access(kGdb, X_OK) != 0)
    return std::unexpected(item.path + ": a core file needs gdb: apt-get install gdb");
  std::error_code error;
  const std::string core = fs::absolute(item.path, error);
  std::vector<std::string> words = {
      kGdb,  "-nx",  "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no",
      "-ex", "bt 64"};
  if (!options_.target.empty())
    words.insert(words.end(), {"-se", fs::absolute(options_.target, error).string()});
  words.insert(words.end(), {"-core", core});
  const auto run = run_child(words, {}, "/", {.timeout_ms = kReplayTimeout_ms});
  if (!run) return std::unexpected(run.error());
  const Crash crash = crash_of(run->output);
  if (crash.kind.empty())
    return std::unexpected(item.path + ": gdb makes nothing of this core file");
  Taken taken{.finding = record_of(crash, item),
              .within = {},
              .program = {},
              .top_three = top_three_frames(crash)};
  constexpr std::string_view kBy = "Core was generated by `";
  std::string by;
  if (const std::size_t at = run->output.find(kBy); at != std::string::npos) {
    const std::size_t begin = at + kBy.size();
    by = run->output.substr(begin, run->output.find_first_of(" '\n", begin) - begin);
  }
  taken.finding.target = target_of(options_.target.empty() ? by : options_.target);
  taken.finding.id = id_of(taken.finding);
  taken.finding.unstable = true;  // a core cannot be run again
  taken.finding.occurrences.front().artefacts.push_back(
      artefact_of("log", "backtrace.txt", run->output));
  return taken;
}

}  // namespace pipewrench
