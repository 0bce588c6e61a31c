// Take: one item becomes a finding with one occurrence: run again, minimised with its signature
// held fixed, told in one sentence. Does not store it.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/intake/items.h"
#include "harness/intake/replay.h"
#include "reports/store/records.h"
#include "reports/triage/symptoms.h"

namespace pipewrench {

struct Taken {
  FindingRecord finding;
  // What a part of its smallest input or plan shows, where that is its cause: to be stored first.
  std::optional<FindingRecord> within{};
  std::string program;    // that shows it; empty: none was run
  std::string top_three;  // of the usual rule, to be compared with
};

struct TakeOptions {
  std::string target;      // program to run instead of one near the item
  std::string pipewrench;  // itself: replays what the conductor found
  bool minimises = true;
};

class Taker {
 public:
  Taker(Replayer replayer, TakeOptions options)
      : replayer_(std::move(replayer)), options_(std::move(options)) {}

  // Fails with one line, where the item cannot be taken in at all: then nothing is known of it.
  std::expected<Taken, std::string> take(const Item& item);

  static constexpr std::uint32_t kTimes = 3;             // that an item is run before it counts
  static constexpr std::uint32_t kMostTries = 6000;      // of a minimisation
  static constexpr std::uint32_t kMostStarts = 600;      // of the program, for it
  static constexpr std::uint32_t kMostByteStarts = 150;  // where bytes are plain, which are many
  static constexpr std::uint32_t kMostSlowTries = 12;    // where each takes seconds

 private:
  struct Repeats;
  std::expected<Taken, std::string> take_input(const Item& item);
  std::expected<Taken, std::string> take_log(const Item& item);
  std::expected<Taken, std::string> take_core(const Item& item);
  std::expected<Taken, std::string> take_conducted(const Item& item);
  // program_at(), which reads all of it, once for each path.
  const std::expected<Program, std::string>& program(const std::string& path);
  std::expected<std::vector<Program>, std::string> programs_for(const Item& item,
                                                                const std::string& log);
  std::expected<Repeats, std::string> repeat(const Program& program, const std::string& input);
  std::string smallest(const Program& program, const Repeats& repeats, std::string input);
  Crash tell(const Item& item, const Program& program, const Repeats& repeats,
             const std::string& input, FindingRecord& finding);
  struct Other;
  std::optional<Other> cause_in(const Program& program, const std::string& input,
                                const Repeats& shown, const Crash& smallest);
  std::optional<FindingRecord> within(const Item& item, const Program& program,
                                      const Repeats& repeats, const Crash& smallest,
                                      const FindingRecord& whole);
  std::size_t unit_of(const Program& of, const std::string& input);
  std::string others_that_show(const Program& own, const Repeats& repeats,
                               const std::string& input);

  Replayer replayer_;
  TakeOptions options_;
  std::map<std::string, std::expected<Program, std::string>> programs_;
};

Artefact artefact_of(std::string role, std::string name, std::string content);
// Of what a part shows: beside it what was given, and what the whole shows.
void keep_whole(const FindingRecord& whole, FindingRecord& part);
// What the conductor's finding is called by its cause and the plan that shows it: all its symptoms
// are one finding.
void call_by_cause(const Symptom& symptom, const std::vector<std::string>& plan,
                   FindingRecord& finding);
// The same for all kinds of one cause.
std::string id_of(const FindingRecord& finding);
// The lines around the frames of the program, where their files can be read.
void read_sources(std::vector<Stack>& stacks);

}  // namespace pipewrench
