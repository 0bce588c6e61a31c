// SPDX-License-Identifier: MIT
#include "harness/intake/replay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "harness/core/whole_file.h"
#include "harness/intake/child.h"
#include "harness/intake/items.h"
#include "reports/triage/signature.h"
#include "sanitizers/replay_options.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostProgram_bytes = std::size_t{1} << 30;
constexpr std::string_view kElf =
    "\x7f"
    "ELF";

struct Runtime {
  const char* name;     // as in RunRecord's sanitizer
  std::string_view in;  // a string that its run time brings along
};
constexpr std::array<Runtime, 5> kRuntimes = {{{"asan", "__asan_init"},
                                               {"ubsan", "__ubsan_handle_"},
                                               {"tsan", "__tsan_init"},
                                               {"msan", "__msan_init"},
                                               {"lsan", "__lsan_init"}}};
constexpr std::string_view kLibFuzzer = "INFO: libFuzzer ignores flags";

bool write_input(const std::string& path, const std::string& input) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(input.data(), static_cast<std::streamsize>(input.size()));
  return file.flush().good();
}

// What is the same for all runs that end in one place: the addresses in their modules.
std::string addresses_of(const Crash& crash) {
  std::string text = crash.tool + " " + crash.kind;
  for (const Stack& stack : crash.stacks) {
    text += '|';
    for (const StackFrame& frame : stack.frames)
      text += frame.module + "+" + std::to_string(frame.offset) + " ";
  }
  return text;
}

// By its report; where there is none, by how it ended.
Crash crash_in(const ChildRun& run) {
  if (Crash told = pipewrench::crash_of(run.output); !told.kind.empty()) return told;
  if (run.timed_out)
    return {.tool = "intake", .kind = "timeout", .detail = "", .access = "", .stacks = {}};
  if (!WIFSIGNALED(run.status)) return {};
  const int number = WTERMSIG(run.status);
  const char* name = ::sigabbrev_np(number);
  const std::string word = name != nullptr ? name : std::to_string(number);
  return {.tool = "intake",
          .kind = number == SIGABRT   ? "abort"
                  : number == SIGKILL ? "killed"
                                      : word,
          .detail = "",
          .access = "",
          .stacks = {}};
}

}  // namespace

std::expected<Program, std::string> program_at(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  if (error || !fs::is_regular_file(whole, error))
    return std::unexpected(path + ": no such program");
  if (::access(whole.c_str(), X_OK) != 0)
    return std::unexpected(path + ": " + std::strerror(errno));
  const bool is_small = fs::file_size(whole, error) <= kMostProgram_bytes && !error;
  const std::string content =
      is_small ? content_of(whole, kMostProgram_bytes).value_or("") : std::string();
  Program program{.path = whole,
                  .target = target_of(whole.string()),
                  .sanitizer = "",
                  .engine = Engine::replay};
  if (content.starts_with(kElf))
    for (const Runtime& runtime : kRuntimes) {
      const bool is_part = std::string_view(runtime.name) == "lsan" &&
                           program.sanitizer.find("asan") != std::string::npos;
      if (is_part || content.find(runtime.in) == std::string::npos) continue;
      program.sanitizer += (program.sanitizer.empty() ? "" : "+") + std::string(runtime.name);
    }
  if (program.sanitizer.empty()) program.sanitizer = "none";
  if (content.find(kLibFuzzer) != std::string::npos) program.engine = Engine::libfuzzer;
  return program;
}

std::expected<Replayer, std::string> Replayer::make(const std::string& folder) {
  std::error_code error;
  const std::string name = half_done_path(fs::absolute(folder, error), "intake");
  remove_half_done(folder);
  fs::remove_all(name, error);  // of a dead one that had our PID
  if (::mkdir(name.c_str(), 0700) != 0) return std::unexpected(name + ": " + std::strerror(errno));
  return Replayer(name);
}

Replayer::Replayer(Replayer&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      known_(std::move(other.known_)),
      stacks_(std::move(other.stacks_)),
      starts_(other.starts_) {}

Replayer::~Replayer() {
  std::error_code ignored;
  if (!directory_.empty()) fs::remove_all(directory_, ignored);
}

std::expected<ChildRun, std::string> Replayer::output_of(const Program& program, Inputs inputs,
                                                         const How& how) {
  std::vector<std::string> words = {program.path};
  if (program.engine == Engine::libfuzzer)
    words.push_back("-timeout=" + std::to_string(kTimeout_s));
  else if (how.says)
    words.emplace_back("-v");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string path = directory_ + "/input" + (i > 0 ? std::to_string(i) : "");
    if (!write_input(path, inputs[i])) return std::unexpected(path + ": cannot be written");
    words.push_back(path);
  }
  ++starts_;
  std::vector<std::string> environment;
  if (how.ignores_leaks)
    environment.assign(kWithoutLeaks.begin(), kWithoutLeaks.end());
  else if (!how.has_symbols)
    environment.assign(kWithoutSymbols.begin(), kWithoutSymbols.end());
  return run_child(words, environment, directory_, {.timeout_ms = 3000 * kTimeout_s});
}

std::expected<Replayer::Shown, std::string> Replayer::run(const Program& program,
                                                          const std::string& input, Log log) {
  if (log == Log::is_kept) {
    auto ran = output_of(program, {&input, 1}, {.has_symbols = true});
    if (!ran) return std::unexpected(ran.error());
    return Shown{.crash = crash_in(*ran), .log = std::move(ran->output)};
  }
  auto crash = crash_of(program, input, {});
  if (!crash) return std::unexpected(crash.error());
  return Shown{.crash = std::move(*crash), .log = {}};
}

std::expected<Crash, std::string> Replayer::crash_of(const Program& program,
                                                     const std::string& input, const How& how) {
  const auto ran = output_of(program, {&input, 1}, how);
  if (!ran) return std::unexpected(ran.error());
  return named(program, input, crash_in(*ran));
}

Crash Replayer::named(const Program& program, const std::string& input, Crash crash) {
  if (crash.kind.empty() || crash.stacks.empty()) return crash;
  const std::string key = program.path + "|" + addresses_of(crash);
  auto known = stacks_.find(key);
  if (known == stacks_.end()) {
    const auto again = output_of(program, {&input, 1}, {.has_symbols = true});
    Crash named = again ? crash_in(*again) : Crash{};
    if (named.kind != crash.kind) named.stacks = crash.stacks;
    known = stacks_.emplace(key, std::move(named.stacks)).first;
  }
  crash.stacks = known->second;
  return crash;
}

std::expected<Crash, std::string> Replayer::run_once(const Program& program,
                                                     const std::string& input, Leaks leaks) {
  const std::tuple key(program.path, input, leaks);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  const auto ran = output_of(program, {&input, 1}, {.ignores_leaks = leaks == Leaks::are_ignored});
  if (!ran) return std::unexpected(ran.error());
  Crash crash = crash_in(*ran);
  if (!is_noticed_later(crash)) crash = named(program, input, std::move(crash));
  if (known_.size() >= kMostKnown) known_.clear();
  return known_.emplace(key, std::move(crash)).first->second;
}

std::pair<std::size_t, Crash> Replayer::run_in_turn(const Program& program, Inputs inputs) {
  const auto ran = output_of(program, inputs, {.ignores_leaks = true});
  if (!ran) return {};
  constexpr std::string_view kExecuted = "\nExecuted ";  // libFuzzer: "Executed PATH in 0 ms"
  std::size_t done = 0;
  for (std::size_t at = ran->output.find(kExecuted); at != std::string::npos;
       at = ran->output.find(kExecuted, at + 1))
    ++done;
  return {std::min(done, inputs.size()), crash_in(*ran)};
}

std::size_t Replayer::first_of(const Program& program, const std::vector<std::string>& inputs,
                               Leaks leaks, const std::function<bool(const Crash&)>& is_wanted,
                               std::uint32_t most_starts) {
  const std::uint32_t end = starts_ + most_starts;
  const bool takes_many =
      program.engine == Engine::libfuzzer && leaks == Leaks::are_ignored && inputs.size() > 1;
  const auto key = [&](std::size_t i) { return std::tuple(program.path, inputs[i], leaks); };
  for (std::size_t i = 0; i < inputs.size() && starts_ < end; ++i) {
    if (takes_many && !known_.contains(key(i))) {
      const std::size_t many = std::min(inputs.size() - i, kMostAtOnce);
      const auto [done, crash] = run_in_turn(program, Inputs(inputs).subspan(i, many));
      if (known_.size() + many >= kMostKnown) known_.clear();
      for (std::size_t j = i; j < i + done; ++j) known_.try_emplace(key(j));
      if (done < many && is_noticed_later(crash) && !is_wanted(crash))
        known_.try_emplace(key(i + done), crash);
    }
    const auto crash = run_once(program, inputs[i], leaks);
    if (crash && is_wanted(*crash)) return i;
  }
  return inputs.size();
}

std::string Replayer::keep(const std::string& name, const std::string& content) {
  std::string path = directory_ + "/" + name;
  return write_input(path, content) ? path : std::string();
}

std::string Replayer::decode(const Program& program, const std::string& input) {
  const auto ran = output_of(program, {&input, 1}, {.says = true});
  return ran ? ran->output : std::string();
}

}  // namespace pipewrench
