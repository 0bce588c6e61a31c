// SPDX-License-Identifier: MIT
#include "reports/triage/log.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "reports/triage/frames.h"
#include "reports/triage/text.h"

namespace pipewrench {
namespace {

constexpr auto kNone = std::string_view::npos;

struct Words {
  std::string_view start, kind;
};

// What UBSan says, by how it begins, and the name of the check.
constexpr std::array<Words, 29> kUndefined = {{
    {"signed integer overflow", "signed-integer-overflow"},
    {"unsigned integer overflow", "unsigned-integer-overflow"},
    {"negation of ", "signed-integer-overflow"},
    {"division by zero", "integer-divide-by-zero"},
    {"division of ", "signed-integer-overflow"},
    {"shift exponent", "shift"},
    {"left shift", "shift"},
    {"index ", "bounds"},
    {"load of null", "null"},
    {"store to null", "null"},
    {"reference binding to null", "null"},
    {"member call on null", "null"},
    {"member access within null", "null"},
    {"load of misaligned", "alignment"},
    {"store to misaligned", "alignment"},
    {"reference binding to misaligned", "alignment"},
    {"member access within misaligned", "alignment"},
    {"member call on misaligned", "alignment"},
    {"load of address", "object-size"},
    {"store to address", "object-size"},
    {"load of value", "invalid-value"},
    {"execution reached the end of a value-returning", "return"},
    {"execution reached an unreachable", "unreachable"},
    {"applying ", "pointer-overflow"},
    {"pointer index expression", "pointer-overflow"},
    {"addition of unsigned offset", "pointer-overflow"},
    {"null pointer passed", "nonnull-argument"},
    {"null pointer returned", "nonnull-return"},
    {"variable length array", "vla-bound"},
}};

constexpr std::array<Words, 9> kSignals = {{
    {"SIGSEGV", "SEGV"},
    {"SIGBUS", "BUS"},
    {"SIGFPE", "FPE"},
    {"SIGILL", "ILL"},
    {"SIGABRT", "abort"},
    {"SIGTRAP", "TRAP"},
    {"SIGSYS", "SYS"},
    {"SIGXCPU", "timeout"},
    {"SIGPIPE", "signal-death"},
}};

// Of a report by AddressSanitizer that does not begin with its kind.
constexpr std::array<Words, 6> kAddress = {{
    {"attempting double-free", "double-free"},
    {"attempting free on address which was not", "bad-free"},
    {"attempting to call malloc_usable_size", "bad-malloc-usable-size"},
    {"requested allocation size", "allocation-size-too-big"},
    {"allocator is out of memory", "out-of-memory"},
    {"ABRT", "abort"},
}};

// What follows `mark` in the line; nothing if it is not there.
std::string_view after(std::string_view line, std::string_view mark) {
  const std::size_t at = line.find(mark);
  return at == kNone ? std::string_view() : trimmed(line.substr(at + mark.size()));
}

std::string_view kind_of(const auto& list, std::string_view text, std::string_view otherwise) {
  for (const Words& words : list)
    if (text.starts_with(words.start)) return words.kind;
  return otherwise;
}

// Addresses and thread numbers differ from run to run.
std::string without_addresses(std::string_view text) {
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("0x")) {
      for (i += 2; i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;) ++i;
      kept += "0x?";
      --i;
    } else {
      kept += text[i];
    }
  }
  return kept;
}

// "WRITE of size 4 at 0x60200 thread T0" -> "WRITE of size 4"
std::string title_of(std::string_view line) {
  line = trimmed(line);
  if (const std::size_t at = line.find(" at 0x"); at != kNone) line = line.substr(0, at);
  if (line.ends_with(':')) line.remove_suffix(1);
  if (line.ends_with(" here")) line.remove_suffix(5);
  if (line.starts_with("==") || line.starts_with("SUMMARY") || line.starts_with("DEDUP")) return "";
  return without_addresses(line);
}

std::string slug(std::string_view text) {
  std::string slug(trimmed(text.substr(0, text.find(" ("))));
  std::ranges::replace(slug, ' ', '-');
  std::erase_if(slug, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '-' && c != '_';
  });
  return slug;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, std::min(text.find_first_of(" :("), text.size()));
}

class Reader {
 public:
  Crash read(std::string_view log) {
    log = log.substr(0, kMostLog_bytes);
    while (!log.empty() && !is_over_) {
      const std::size_t end = std::min(log.find('\n'), log.size());
      line(log.substr(0, std::min(end, kMostLine_bytes)));
      log.remove_prefix(std::min(end + 1, log.size()));
    }
    mark_unsymbolised();
    return std::move(crash_);
  }

 private:
  void line(std::string_view text) {
    if (const auto number = frame_number_of(text)) return frame(text, *number);
    if (trimmed(text).empty()) return;
    const bool was_begun = !crash_.kind.empty();
    const bool is_begin = begins(text);
    if (!is_begin && was_begun && text.find("SUMMARY: ") != kNone && !crash_.stacks.empty())
      is_over_ = true;
    if (was_begun) extra(text);
    last_ = text;
  }

  // Whether the line says what failed, and nothing stronger did before it.
  bool begins(std::string_view text) {
    return by_target(text) || by_sanitizer(text) || by_libfuzzer(text) || by_others(text);
  }

  bool set(std::string_view tool, std::string_view kind, std::string_view detail,
           bool is_weak = false) {
    if (!crash_.kind.empty() && (!is_weak_ || is_weak)) return false;
    if (!crash_.kind.empty()) crash_.stacks.clear();
    crash_.tool = tool;
    crash_.kind = kind;
    crash_.detail = without_addresses(detail);
    is_weak_ = is_weak;
    return true;
  }

  bool by_target(std::string_view text) {
    if (text.starts_with("DIFFERENT: ")) {
      const std::string_view what = text.substr(11);
      const std::size_t step = what.starts_with("step ") ? what.find(": ") : kNone;
      return set("target", "model-mismatch", step == kNone ? what : what.substr(step + 2));
    }
    if (const std::size_t at = text.find(": CHECK failed: "); at != kNone)
      return set("check", "check-failed", text.substr(at + 16));
    if (const std::size_t at = text.find(": Assertion `"); at != kNone)
      return set("check", "assertion-failed", text.substr(at + 12));
    if (text.starts_with("pipewrench: ")) return by_guard(text.substr(12));
    return false;
  }

  bool by_guard(std::string_view text) {
    if (const std::string_view what = after(text, "this input left "); !what.empty())
      return set("guard", "leak", what.substr(0, what.find(" behind")));
    if (const std::string_view what = after(text, "hang: "); !what.empty())
      return set("guard", "hang", what.substr(0, what.find(':')));
    if (const std::string_view what = after(text, "real clock with "); !what.empty())
      return set("guard", "real-clock", what.substr(0, what.find(',')));
    return false;
  }

  bool by_sanitizer(std::string_view text) {
    if (const auto what = after(text, "runtime error: "); !what.empty())
      return set("ubsan", kind_of(kUndefined, what, "undefined-behavior"), what);
    if (after(text, "ERROR: LeakSanitizer: ").starts_with("detected memory leaks"))
      return set("lsan", "memory-leak", "");
    if (const auto what = after(text, "ThreadSanitizer: "); !what.empty() && !is_summary(text))
      return set("tsan", what.starts_with("SEGV") ? "SEGV" : slug(what), "");
    if (const auto what = after(text, "WARNING: MemorySanitizer: "); !what.empty())
      return set("msan", first_word(what), "");
    for (const Words& tool :
         {Words{"AddressSanitizer: ", "asan"}, Words{"MemorySanitizer: ", "msan"},
          Words{"UndefinedBehaviorSanitizer: ", "ubsan"}, Words{"LeakSanitizer: ", "lsan"}})
      if (const auto what = after(text, tool.start); !what.empty() && !is_summary(text)) {
        if (text.find("ERROR: ") == kNone) continue;
        const std::string_view kind = kind_of(kAddress, what, first_word(what));
        const std::size_t on = what.find(" on ");
        return set(tool.kind, kind, what.substr(0, std::min(on, what.size())), kind == "abort");
      }
    return false;
  }

  static bool is_summary(std::string_view text) { return text.find("SUMMARY: ") != kNone; }

  bool by_libfuzzer(std::string_view text) {
    if (const auto what = after(text, "ERROR: libFuzzer: "); !what.empty()) {
      const bool is_exit = what.starts_with("fuzz target exited");
      const bool is_const = what.starts_with("fuzz target overwrites");
      if (what.starts_with("deadly signal")) return set("libfuzzer", "abort", "", true);
      return set("libfuzzer",
                 is_exit    ? std::string_view("exit")
                 : is_const ? std::string_view("overwrites-const-input")
                            : first_word(what),
                 "");
    }
    if (text.starts_with("Slowest unit: ") || text.starts_with("ALARM: working on the last Unit"))
      return set("libfuzzer", text.starts_with("Slow") ? "slow-unit" : "timeout", "", true);
    return false;
  }

  bool by_others(std::string_view text) {
    if (text.starts_with("terminate called "))
      return set("check", "uncaught-exception", after(text, "instance of "));
    if (const auto what = after(text, "*** stack smashing detected"); !what.empty())
      return set("check", "stack-buffer-overflow", "");
    if (const auto what = after(text, "Program terminated with signal "); !what.empty())
      return set("core", kind_of(kSignals, what, "signal-death"), what);
    if (const auto what = after(text, "Program received signal "); !what.empty())
      return set("core", kind_of(kSignals, what, "signal-death"), what);
    return false;
  }

  // What later lines add to a report that has begun.
  void extra(std::string_view text) {
    text = trimmed(text);
    const bool is_access = text.starts_with("READ of size") || text.starts_with("WRITE of size") ||
                           (crash_.tool == "tsan" && text.find(" of size ") != kNone);
    if (crash_.access.empty() && is_access) crash_.access = title_of(text);
    if (const auto what = after(text, "signal is caused by a "); !what.empty())
      crash_.access = first_word(what);
    if (text.find("points to the zero page") != kNone) crash_.detail = "null pointer";
  }

  void frame(std::string_view text, unsigned number) {
    if (crash_.kind.empty()) return;
    // gdb shows where it is, then the whole stack.
    if (number == 0 && crash_.tool == "core") crash_.stacks.clear();
    if (number == 0 || crash_.stacks.empty()) {
      if (crash_.stacks.size() == kMostStacks) return;
      crash_.stacks.push_back({.title = title_of(last_), .frames = {}});
    }
    auto& frames = crash_.stacks.back().frames;
    if (frames.size() == kMostFrames) return;
    if (auto frame = frame_of(text)) frames.push_back(std::move(*frame));
    last_ = {};
  }

  // Where some frames have a file, those without one are the runtime's, linked into the program.
  void mark_unsymbolised() {
    const auto each = [this](auto what) {
      for (Stack& stack : crash_.stacks)
        for (StackFrame& frame : stack.frames) what(frame);
    };
    bool has_files = false;
    each([&](const StackFrame& frame) { has_files |= frame.ours && !frame.file.empty(); });
    if (!has_files) return;
    each([](StackFrame& frame) { frame.ours = frame.ours && !frame.file.empty(); });
  }

  Crash crash_;
  bool is_weak_ = false;  // what was found is how it ended, not yet why
  bool is_over_ = false;
  std::string_view last_;
};

}  // namespace

Crash crash_of(std::string_view log) { return Reader().read(log); }

}  // namespace pipewrench
