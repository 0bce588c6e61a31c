// Replay: runs one input through a program, and says what its log says. Owns a scratch directory.
// Symbols cost more than the run: each new stack is looked up once.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/intake/child.h"
#include "reports/triage/log.h"

namespace pipewrench {

enum class Engine : std::uint8_t { libfuzzer, replay };  // how it takes an input
struct Program {
  std::string path;       // absolute
  std::string target;     // "msgq"
  std::string sanitizer;  // "asan+ubsan"; "none"
  Engine engine = Engine::replay;
};

// By what is in the file; fails with one line, where it is no program.
std::expected<Program, std::string> program_at(const std::string& path);

class Replayer {
 public:
  // In the store's folder, where what one that was killed has left is removed. Fails with the
  // reason: no room for a directory.
  static std::expected<Replayer, std::string> make(const std::string& folder);
  Replayer(Replayer&& other) noexcept;
  Replayer& operator=(Replayer&&) = delete;
  ~Replayer();

  struct Shown {
    Crash crash;
    std::string log;  // where `wants_log`: with symbols
  };
  enum class Log : std::uint8_t { is_dropped, is_kept };
  // Fails with the reason, where the program cannot be run at all.
  std::expected<Shown, std::string> run(const Program& program, const std::string& input,
                                        Log log = Log::is_dropped);
  // The same, but what is known of this input is believed: for minimising. What leaks only then
  // seems right, unless `leaks` are looked for.
  enum class Leaks : std::uint8_t { are_found, are_ignored };
  std::expected<Crash, std::string> run_once(const Program& program, const std::string& input,
                                             Leaks leaks);
  // The first of many that `is_wanted`, asked run_once(); their number: none, or that was seen in
  // `most_starts` of the program. A start costs a
  // hundred times the run of a small input: where the engine takes many, what ends well is believed
  // of a run behind others, what is wanted is run again alone.
  std::size_t first_of(const Program& program, const std::vector<std::string>& inputs, Leaks leaks,
                       const std::function<bool(const Crash&)>& is_wanted,
                       std::uint32_t most_starts);
  std::uint32_t starts() const { return starts_; }  // of programs, ever
  // What the program prints of an input with -v.
  std::string decode(const Program& program, const std::string& input);

  // A file in the scratch directory, until the next of that name; empty: it cannot be written.
  std::string keep(const std::string& name, const std::string& content);
  const std::string& directory() const { return directory_; }

  static constexpr std::size_t kMostKnown = 20'000;
  static constexpr std::size_t kMostAtOnce = 64;
  static constexpr std::uint32_t kTimeout_s = 10;  // libFuzzer's own; the child has thrice as long

 private:
  explicit Replayer(std::string directory) : directory_(std::move(directory)) {}
  struct How {
    bool has_symbols = false, says = false, ignores_leaks = false;
  };
  using Inputs = std::span<const std::string>;
  std::expected<ChildRun, std::string> output_of(const Program& program, Inputs inputs,
                                                 const How& how);
  std::expected<Crash, std::string> crash_of(const Program& program, const std::string& input,
                                             const How& how);
  // With symbols, where they are part of a signature.
  Crash named(const Program& program, const std::string& input, Crash crash);
  // How many of them ended well before one did not, and what that showed.
  std::pair<std::size_t, Crash> run_in_turn(const Program& program, Inputs inputs);

  std::string directory_;                                               // empty: moved from
  std::map<std::tuple<std::string, std::string, Leaks>, Crash> known_;  // by program and input
  std::map<std::string, std::vector<Stack>> stacks_;  // with symbols, by program and addresses
  std::uint32_t starts_ = 0;
};

}  // namespace pipewrench
