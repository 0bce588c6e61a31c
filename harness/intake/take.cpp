// SPDX-License-Identifier: MIT
#include "harness/intake/take.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "harness/intake/minimise.h"
#include "reports/store/store.h"
#include "reports/triage/causes.h"
#include "reports/triage/frames.h"
#include "reports/triage/signature.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecord_bytes = 8;  // harness/inproc/records.h
constexpr std::uint32_t kMostLinks = 4;   // from what the whole shows to its cause
constexpr std::size_t kMostLogKept_bytes = std::size_t{256} << 10;

bool is_slow(const std::string& kind) {
  return kind == "timeout" || kind == "slow-unit" || kind == "out-of-memory";
}

// How many callers two stacks have in common, from the outermost on.
std::size_t common_callers(const Crash& one, const Crash& other) {
  if (one.stacks.empty() || other.stacks.empty()) return 0;
  const auto& frames = one.stacks.front().frames;
  const auto& others = other.stacks.front().frames;
  const auto differ =
      std::mismatch(frames.rbegin(), frames.rend(), others.rbegin(), others.rend(),
                    [](const StackFrame& a, const StackFrame& b) {
                      return plain_function(a.function) == plain_function(b.function);
                    });
  return static_cast<std::size_t>(differ.first - frames.rbegin());
}

// What all samples of a loop have in common: the callers down to the function that loops.
void keep_common(const std::vector<Crash>& samples, Crash& crash) {
  if (crash.stacks.empty()) return;
  auto& frames = crash.stacks.front().frames;
  std::size_t common = frames.size();
  for (const Crash& sample : samples)
    if (sample.kind == crash.kind && !sample.stacks.empty())
      common = std::min(common, common_callers(crash, sample));
  frames.erase(frames.begin(), frames.end() - static_cast<std::ptrdiff_t>(common));
}

// A sample of the loop that `loop` was made of by keep_common().
bool passes_through(const Crash& sample, const Crash& loop) {
  return loop.stacks.empty() || common_callers(loop, sample) == loop.stacks.front().frames.size();
}

std::string name_of(const std::string& path) { return fs::path(path).filename(); }

std::string lines_of(const std::vector<Operation>& operations, const std::string& log) {
  if (operations.empty()) return {};
  std::string lines;
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    const std::string line = log.substr(at, end - at);
    if (!operations_in(line).empty() || line.starts_with("      fault: ")) lines += line + "\n";
    at = end + 1;
  }
  return lines;
}

// Of the operations before the one that noticed.
std::size_t bytes_before(const Crash& crash, const std::string& input) {
  return input.size() - (is_noticed_by_last(crash) ? std::min(input.size(), kRecord_bytes) : 0);
}

std::string former_id_of(const FindingRecord& finding, const Crash& crash,
                         const std::vector<Operation>& operations) {
  const std::string before = signature_of(crash, operations, Rule::before);
  if (before == finding.signature) return {};
  return finding_id(finding.target, cause_of_kind(finding.kind), before);
}

}  // namespace

Artefact artefact_of(std::string role, std::string name, std::string content) {
  return {.role = std::move(role),
          .name = std::move(name),
          .hash = {},
          .bytes = content.size(),
          .content = std::move(content),
          .damage = {}};
}

void keep_whole(const FindingRecord& whole, FindingRecord& part) {
  auto& artefacts = part.occurrences.front().artefacts;
  std::erase_if(artefacts, [](const Artefact& one) { return one.role == "original"; });
  const auto& given = whole.occurrences.front().artefacts;
  for (const char* role : {"original", "input", "plan"})
    if (const auto found = std::ranges::find(given, role, &Artefact::role); found != given.end()) {
      artefacts.push_back(artefact_of("original", found->name, found->content));
      break;
    }
  artefacts.push_back(artefact_of("symptom", "symptom.txt", whole.cause + "\n"));
}

std::string id_of(const FindingRecord& finding) {
  return finding_id(finding.target, cause_of_kind(finding.kind), finding.signature);
}

struct Taker::Repeats {
  std::vector<Crash> all;
  Crash crash;            // of what came most often; none: nothing ever came
  std::string signature;  // without operations
  std::uint32_t times = 0;

  bool is_shown_by(const Crash& other) const;
};

struct Taker::Other {
  std::string input;
  Left left = Left::some_of_it;
};

std::expected<Taken, std::string> Taker::take(const Item& item) {
  switch (item.kind) {
    case ItemKind::input:
      return take_input(item);
    case ItemKind::log:
      return take_log(item);
    case ItemKind::core:
      return take_core(item);
    case ItemKind::conducted:
      return take_conducted(item);
  }
  return std::unexpected(item.path + ": unknown kind of item");
}

const std::expected<Program, std::string>& Taker::program(const std::string& path) {
  const auto known = programs_.find(path);
  return known != programs_.end() ? known->second
                                  : programs_.emplace(path, program_at(path)).first->second;
}

std::expected<std::vector<Program>, std::string> Taker::programs_for(const Item& item,
                                                                     const std::string& log) {
  std::vector<std::string> paths = {options_.target};
  if (options_.target.empty()) paths = programs_near(item, log);
  std::vector<Program> programs;
  for (const std::string& path : paths) {
    const auto& one = program(path);
    if (!one) return std::unexpected(one.error());
    programs.push_back(*one);
  }
  // libFuzzer's own executable knows of time-outs, memory and leaks; the first is what is run.
  const auto by_engine = [](const Program& one, const Program& other) {
    return one.engine < other.engine;
  };
  std::ranges::sort(programs, by_engine);
  if (programs.empty())
    return std::unexpected(item.path + ": no fuzz_NAME or replay_NAME near it: give --target");
  return programs;
}

std::expected<Taker::Repeats, std::string> Taker::repeat(const Program& program,
                                                         const std::string& input) {
  Repeats repeats;
  std::map<std::string, std::uint32_t> counts;
  for (std::uint32_t i = 0; i < kTimes; ++i) {
    auto shown = replayer_.run(program, input);
    if (!shown) return std::unexpected(shown.error());
    repeats.all.push_back(std::move(shown->crash));
  }
  const auto key = [&](Crash crash) {
    if (is_slow(crash.kind)) keep_common(repeats.all, crash);
    return crash.kind.empty() ? std::string() : signature_of(crash);
  };
  for (const Crash& crash : repeats.all) {
    const std::string signature = key(crash);
    if (signature.empty() || ++counts[signature] <= repeats.times) continue;
    repeats.times = counts[signature];
    repeats.signature = signature;
    repeats.crash = crash;
  }
  if (is_slow(repeats.crash.kind)) keep_common(repeats.all, repeats.crash);
  return repeats;
}

// Bytes of an operation: a decoder that tells of as many as there are records, or as there were
// until it failed, reads records; else the input is plain bytes.
std::size_t Taker::unit_of(const Program& of, const std::string& input) {
  const std::string decoder = decoder_of(of.path);
  if (decoder.empty() || input.empty()) return 1;
  const auto& replay = program(decoder);
  if (!replay) return 1;
  const std::size_t told = operations_in(replayer_.decode(*replay, input)).size();
  return told > 0 && told <= (input.size() + kRecord_bytes - 1) / kRecord_bytes ? kRecord_bytes : 1;
}

// A run of a plainer input must end as this one did: what fails with less, but in another way, may
// be another bug.
bool Taker::Repeats::is_shown_by(const Crash& other) const {
  if (cause_of_kind(other.kind) != cause_of_kind(crash.kind)) return false;
  return is_slow(crash.kind) ? passes_through(other, crash) : signature_of(other) == signature;
}

std::string Taker::smallest(const Program& program, const Repeats& repeats, std::string input) {
  if (!options_.minimises || repeats.times < kTimes) return input;
  const bool slow = is_slow(repeats.crash.kind);
  const std::size_t unit = unit_of(program, input);
  // One after the other where they are slow: together they would take longer than a child may.
  const auto leaks = slow || repeats.crash.kind == "memory-leak" ? Replayer::Leaks::are_found
                                                                 : Replayer::Leaks::are_ignored;
  const auto is_same = [&](const Crash& crash) { return repeats.is_shown_by(crash); };
  const std::uint32_t end = replayer_.starts() + (unit == 1 ? kMostByteStarts : kMostStarts);
  const Minimise how{.first_same =
                         [&](const std::vector<std::string>& inputs) {
                           const std::uint32_t left = end - std::min(end, replayer_.starts());
                           return replayer_.first_of(program, inputs, leaks, is_same, left);
                         },
                     .unit_bytes = unit,
                     .most_tries = slow ? kMostSlowTries : kMostTries,
                     .only_drops = slow,
                     .other_operations = !slow};
  return minimised(std::move(input), how);
}

// The sanitizers under which the same is shown, the program's own first.
std::string Taker::others_that_show(const Program& own, const Repeats& repeats,
                                    const std::string& input) {
  std::string names = own.sanitizer;
  if (is_slow(repeats.crash.kind)) return names;
  for (const std::string& path : siblings_of(own.path)) {
    const auto& other = program(path);
    if (!other || names.find(other->sanitizer) != std::string::npos) continue;
    const auto shown = replayer_.run(*other, input);
    if (shown && signature_of(shown->crash) == repeats.signature) names += " " + other->sanitizer;
  }
  return names;
}

// What its smallest input shows, and that input.
Crash Taker::tell(const Item& item, const Program& program, const Repeats& repeats,
                  const std::string& input, FindingRecord& finding) {
  std::string small = smallest(program, repeats, input);
  const auto shown = replayer_.run(program, small, Replayer::Log::is_kept);
  const bool is_shown = shown && repeats.is_shown_by(shown->crash);
  if (!is_shown) small = input;
  // Of a loop one sample says less than what several have in common.
  const Crash& crash = is_shown && !is_slow(shown->crash.kind) ? shown->crash : repeats.crash;
  const std::string decoder = decoder_of(program.path);
  std::string decoded;
  if (!decoder.empty())
    if (const auto& replay = this->program(decoder)) decoded = replayer_.decode(*replay, small);
  const std::vector<Operation> operations = operations_in(decoded);
  finding.kind = crash.kind;
  finding.signature = signature_of(crash, operations);
  finding.id = id_of(finding);
  finding.former_id = former_id_of(finding, crash, operations);
  finding.cause = sentence_of(crash);
  finding.stacks = crash.stacks;
  read_sources(finding.stacks);
  Occurrence& once = finding.occurrences.front();
  once.sanitizer = others_that_show(program, repeats, small);
  once.size = small.size();
  once.artefacts.push_back(artefact_of("input", name_of(item.path), small));
  if (small != input)
    once.artefacts.push_back(artefact_of("original", name_of(item.path) + ".original", input));
  if (const std::string lines = lines_of(operations, decoded); !lines.empty())
    once.artefacts.push_back(artefact_of("operations", "operations.txt", lines));
  if (shown)
    once.artefacts.push_back(
        artefact_of("log", "log.txt", shown->log.substr(0, kMostLogKept_bytes)));
  return crash;
}

// The first part of an input, or the first other end of it, that fails as well and may be the
// cause of what it shows.
std::optional<Taker::Other> Taker::cause_in(const Program& program, const std::string& input,
                                            const Repeats& shown, const Crash& smallest) {
  const std::size_t unit = unit_of(program, input);
  const auto first_of = [&](const std::vector<std::string>& all,
                            Left left) -> std::optional<Other> {
    const auto may_be = [&](const Crash& crash) {
      return !is_slow(crash.kind) && may_be_cause(crash, smallest, left) &&
             !shown.is_shown_by(crash);
    };
    const std::size_t at =
        replayer_.first_of(program, all, Replayer::Leaks::are_ignored, may_be, kMostStarts);
    if (at == all.size()) return {};
    return Other{.input = all[at], .left = left};
  };
  if (auto part = first_of(parts_of(input, unit), Left::some_of_it)) return part;
  if (!is_noticed_by_last(smallest)) return {};
  return first_of(other_ends_of(input, unit), Left::who_noticed);
}

// Of the smallest part that fails as well, the part of that, and so on. The empty input is none: it
// would be in all.
std::optional<FindingRecord> Taker::within(const Item& item, const Program& program,
                                           const Repeats& repeats, const Crash& smallest,
                                           const FindingRecord& whole) {
  std::optional<FindingRecord> found;
  Repeats shown = repeats;
  Crash crash = smallest;
  for (std::uint32_t i = 0; i < kMostLinks; ++i) {
    const FindingRecord& now = found ? *found : whole;
    const auto& artefacts = now.occurrences.front().artefacts;
    const std::string input = std::ranges::find(artefacts, "input", &Artefact::role)->content;
    const auto part = cause_in(program, input, shown, crash);
    if (!part) break;
    const std::size_t before = bytes_before(crash, input);
    auto other = repeat(program, part->input);
    if (!other || other->times < kTimes) break;
    shown = std::move(*other);
    FindingRecord next = whole;
    Occurrence& once = next.occurrences.front();
    once.artefacts.clear();
    once.repeated = shown.times;
    crash = tell(item, program, shown, part->input, next);
    if (once.size == 0) break;
    // Who else notices must need all that came before, or it is a bug of some of it.
    const auto smaller = std::ranges::find(once.artefacts, "input", &Artefact::role);
    const bool needs_all = bytes_before(crash, smaller->content) == before;
    if (part->left == Left::who_noticed && !needs_all) break;
    found = std::move(next);
  }
  if (!found || found->id == whole.id) return {};
  keep_whole(whole, *found);
  return found;
}

std::expected<Taken, std::string> Taker::take_input(const Item& item) {
  const auto input = content_of(item.path, kMostInput_bytes);
  if (!input) return std::unexpected(input.error());
  const auto log = content_of(item.path + ".log", kMostLog_bytes);
  const auto programs = programs_for(item, log.value_or(""));
  if (!programs) return std::unexpected(programs.error());
  const Program& shower = programs->front();
  auto repeats = repeat(shower, *input);
  if (!repeats) return std::unexpected(repeats.error());

  Taken taken{.finding = {}, .within = {}, .program = shower.path, .top_three = {}};
  FindingRecord& finding = taken.finding;
  finding.target = shower.target;
  finding.unstable = repeats->times < kTimes;
  Occurrence once{.tool = item.tool,
                  .sanitizer = shower.sanitizer,
                  .source = item.path,
                  .repeated = repeats->times,
                  .tried = kTimes,
                  .size = input->size(),
                  .artefacts = {}};
  if (repeats->times == 0) {
    finding.kind = item.claim.empty() ? "crash" : item.claim;
    finding.signature = "does not repeat";
    finding.cause = "said to be a " + finding.kind + ", but it does not repeat";
    once.artefacts.push_back(artefact_of("input", name_of(item.path), *input));
    finding.occurrences.push_back(std::move(once));
    return taken;
  }
  taken.top_three = top_three_frames(repeats->crash);
  finding.occurrences.push_back(std::move(once));
  const Crash smallest = tell(item, shower, *repeats, *input, finding);
  if (options_.minimises && !finding.unstable)
    taken.within = within(item, shower, *repeats, smallest, finding);
  return taken;
}

}  // namespace pipewrench
