// Records: what the store holds and the reports show. Plain data: no process, no clock, no file.
// Texts come from peers and from logs: hostile bytes, to be escaped by whoever shows them.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pipewrench {

// What a person has said of a finding.
enum class Mark : std::uint8_t { open, known, fixed, ignored };
// What a report calls it. new_: no run has begun of what found it since one that could tell it has
// ended; known: one has, or it is marked so; fixed: marked so and not seen since; regressed: seen
// since.
enum class Standing : std::uint8_t { new_, known, fixed, regressed, ignored };

struct StackFrame {
  std::string function{};
  std::string file{};  // as the log names it; empty: unknown
  std::uint32_t line = 0, column = 0;
  std::string module{};           // executable or library, where there is no file
  std::uint64_t offset = 0;       // in the module
  bool ours = false;              // of the program: neither libc nor runtime nor harness
  std::string source{};           // the lines around it, if they could be read when it was taken in
  std::uint32_t source_line = 0;  // number of the first of them
  bool operator==(const StackFrame&) const = default;
};
struct Stack {
  std::string title{};               // "WRITE of size 4", "freed by thread T0", "previous write"
  std::vector<StackFrame> frames{};  // innermost first
  bool operator==(const Stack&) const = default;
};

// A file that belongs to a finding, kept under the hash of its content.
struct Artefact {
  // input operations plan scenario trace finding log story out err; original: as it was given;
  // symptom: what that shows, where this is of a part
  std::string role{};
  std::string name{};  // base name, for people
  std::string hash{};  // 32 hex digits: XXH3, 128 bits, of the content
  std::uint64_t bytes = 0;
  std::string content{};  // to be stored; read back where a report shows it
  std::string damage{};   // why it could not be read back; empty: it could
  bool operator==(const Artefact&) const = default;
};

struct Occurrence {
  std::int64_t run = 0;
  std::int64_t at_ms = 0;   // since 1970
  std::string tool{};       // conductor libfuzzer afl++ sanitizer core
  std::string sanitizer{};  // "asan+ubsan": of the build that showed it
  std::string source{};     // the file that was taken in, as given
  std::uint32_t repeated = 0, tried = 0;
  std::uint64_t size = 0;  // bytes of the input, or deviations of the plan
  std::vector<Artefact> artefacts{};
  bool operator==(const Occurrence&) const = default;
};

// Its details are those of its smallest occurrence.
struct FindingRecord {
  std::string id{};         // 12 hex digits
  std::string former_id{};  // that the version before gave it, where it is another; not stored
  std::string kind{};       // "deadlock", "heap-buffer-overflow"
  std::string signature{};  // by cause: same bug, same signature
  std::string target{};     // scenario, fuzz target or program
  std::string cause{};      // one sentence
  std::vector<std::string> peers{};
  std::vector<Stack> stacks{};
  std::string realism{};        // of the conductor's: linux posix hostile
  std::string replay{}, gdb{};  // command lines; empty: there is none
  bool note = false;            // listed, not counted
  bool unstable = false;        // it never repeated in full
  Mark mark = Mark::open;
  std::string why{};  // the person's reason
  Standing standing = Standing::new_;
  std::int64_t first_run = 0, last_run = 0;
  std::uint64_t times = 0;                // occurrences in all
  std::vector<Occurrence> occurrences{};  // the smallest, then the newest kMostOccurrences
  bool operator==(const FindingRecord&) const = default;
};
inline constexpr std::uint32_t kMostOccurrences = 50;

// One run of explore, import or nightly.
struct RunRecord {
  std::int64_t id = 0;
  std::string what{};  // "explore demo6+demo7", "nightly": runs of the same are compared
  std::string commit{}, seed{}, flags{};
  std::int64_t started_ms = 0;   // since 1970
  double seconds = 0;            // wall clock; of one that was killed: until it was last heard of
  std::uint64_t executions = 0;  // inputs and runs of plans
  std::string outcome{};         // "ended", "stopped", "failed: why"; empty: it was killed
  bool operator==(const RunRecord&) const = default;
};

// How far a run had come with a target: the charts of a report.
struct Sample {
  std::int64_t run = 0;
  std::string target{}, engine{}, sanitizer{};
  double at_s = 0;  // since the run's start
  std::uint64_t executions = 0;
  double per_second = 0;
  std::uint64_t edges = 0;  // of a conducted target: behaviours
  std::uint64_t corpus = 0;
  bool operator==(const Sample&) const = default;
};

struct Records {
  std::vector<RunRecord> runs{};          // oldest first
  std::vector<FindingRecord> findings{};  // worst standing first, then newest
  std::vector<Sample> samples{};
  bool operator==(const Records&) const = default;
};

// The innermost frame of the program whose file is known; or nullptr.
inline const StackFrame* own_source(const FindingRecord& finding) {
  for (const Stack& stack : finding.stacks)
    for (const StackFrame& frame : stack.frames)
      if (frame.ours && !frame.file.empty()) return &frame;
  return nullptr;
}

inline bool is_news(Standing standing) {
  return standing == Standing::new_ || standing == Standing::regressed;
}
// A person has said what to think of it, and it has not come back since.
inline bool is_settled(const FindingRecord& finding) {
  return finding.mark != Mark::open && finding.standing != Standing::regressed;
}

// What an exit status counts, and each form of report with it. The rest is listed.
inline bool counts(const FindingRecord& finding) {
  return !finding.note && !finding.unstable && is_news(finding.standing);
}

const char* name(Mark mark);
const char* name(Standing standing);
// What a list calls it: "note", "unstable" unless a person settled it, or its standing.
const char* heading(const FindingRecord& finding);

}  // namespace pipewrench
