// SPDX-License-Identifier: MIT
#include "harness/oracle/report.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "harness/core/printable.h"

namespace pipewrench {
namespace {

constexpr std::size_t kLongestKind = 80;
constexpr std::size_t kLongestFrame = 80;

struct Mark {
  std::string_view text;  // what the line holds
  std::string_view tool;
  bool at_start = false;  // of the line; else anywhere in it
  bool deliberate = false;
  bool names_kind = true;  // the kind is what follows; else the mark itself
};

// Each is printed by the runtime itself and never by a right program.
constexpr Mark kMarks[] = {
    {"ERROR: AddressSanitizer: ", "AddressSanitizer"},
    {"ERROR: LeakSanitizer: ", "LeakSanitizer"},
    {"WARNING: MemorySanitizer: ", "MemorySanitizer"},
    {"WARNING: ThreadSanitizer: ", "ThreadSanitizer"},
    {": runtime error: ", "UndefinedBehaviorSanitizer"},
    {"*** stack smashing detected ***", "libc", true, false, false},
    {"*** buffer overflow detected ***", "libc", true, false, false},
    {"*** %n in writable segment", "libc", true, false, false},
    {"double free or corruption", "libc", true, false, false},
    {"corrupted size vs. prev_size", "libc", true, false, false},
    {"corrupted double-linked list", "libc", true, false, false},
    {"malloc(): ", "libc", true, false, false},
    {"free(): ", "libc", true, false, false},
    {"realloc(): ", "libc", true, false, false},
    {"munmap_chunk(): ", "libc", true, false, false},
    {": Assertion `", "assert", false, true},
    {"terminate called ", "C++", true, true},
    {"panic: ", "Go", true, true},
    {"fatal error: all goroutines are asleep", "Go", true, true, false},
    {"' panicked at ", "Rust", false, true},
};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Numbers, addresses and quoted values are of one run only.
std::string without_numbers(std::string_view text) {
  std::string kind;
  for (std::size_t i = 0; i < text.size() && kind.size() < kLongestKind; ++i) {
    if (is_digit(text[i])) {
      if (kind.empty() || kind.back() != 'N') kind += 'N';
      if (text.substr(i).starts_with("0x"))
        for (++i; i + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1]));)
          ++i;
    } else {
      kind += text[i];
    }
  }
  while (!kind.empty() && (kind.back() == ' ' || kind.back() == ':' || kind.back() == '.'))
    kind.pop_back();
  return printable(kind);
}

// "heap-buffer-overflow on address 0x..." -> "heap-buffer-overflow"; "data race (pid=7)" -> "data
// race".
std::string kind_of(const Mark& mark, std::string_view rest) {
  if (mark.tool == "AddressSanitizer") {
    for (const std::string_view words : {"attempting double-free", "SEGV on unknown address"})
      if (rest.starts_with(words)) return std::string(words);
    if (rest.starts_with("attempting free on address")) return "bad-free";
    rest = rest.substr(0, std::min(rest.find(' '), rest.find(':')));
  }
  for (const std::string_view end : {" (pid=", "' failed"}) rest = rest.substr(0, rest.find(end));
  return without_numbers(rest);
}

bool is_runtime(std::string_view function) {
  constexpr std::array<std::string_view, 14> kPrefixes = {
      "__asan", "__lsan", "__tsan", "__msan",   "__ubsan", "__interceptor", "___interceptor",
      "__GI_",  "raise",  "abort",  "operator", "__libc_", "__sanitizer",   "pthread_kill"};
  constexpr std::array<std::string_view, 9> kNames = {
      "malloc", "calloc", "realloc", "free", "memcpy", "memmove", "memset", "strlen", "strcpy"};
  return std::ranges::any_of(kPrefixes,
                             [&](auto prefix) { return function.starts_with(prefix); }) ||
         std::ranges::find(kNames, function) != kNames.end();
}

// "#1 0x4f in parse src/a.c:7:3", "#1 parse a.c:7" -> "parse"; without symbols "#1 0x4f
// (/bin/a+0x12)" -> "a+0x12".
std::string function_of(std::string_view line) {
  line = line.substr(std::min(line.find(' ') + 1, line.size()));
  if (line.starts_with("0x")) {
    const std::size_t in = line.find(" in ");
    if (in == line.npos) {  // a module and an offset
      line = line.substr(std::min(line.find('(') + 1, line.size()));
      line = line.substr(0, line.find(')'));
      line = line.substr(line.rfind('/') + 1);
    } else {
      line = line.substr(in + 4);
    }
  }
  // Of a C++ name without its parameters: what follows the first parenthesis or space is of no use.
  return printable(line.substr(0, line.find_first_of("( \t")), kLongestFrame);
}

// The first stack after the report's head.
std::vector<std::string> frames_in(std::string_view text) {
  constexpr std::size_t kSearchedLines = 60;
  std::vector<std::string> frames;
  bool is_inside = false;
  for (std::size_t i = 0; i < kSearchedLines && !text.empty() && frames.size() < kMaxFrames; ++i) {
    std::string_view line = take_line(text);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    const bool is_frame = line.size() > 1 && line[0] == '#' && is_digit(line[1]);
    if (is_inside && (!is_frame || line.starts_with("#0 "))) break;
    is_inside = is_inside || is_frame;
    if (!is_frame) continue;
    const std::string function = function_of(line);
    if (function.empty() || is_runtime(function)) continue;
    frames.push_back(function);
    if (function == "main") break;
  }
  return frames;
}

std::optional<Report> report_at(std::string_view line, std::string_view rest) {
  for (const Mark& mark : kMarks) {
    const std::size_t at = line.find(mark.text);
    if (at == line.npos || (mark.at_start && at != 0)) continue;
    // "panic: " is everybody's word; a Go program shows its goroutines with it.
    if (mark.tool == "Go" && rest.find("goroutine ") == rest.npos) continue;
    Report report{.tool = std::string(mark.tool), .deliberate = mark.deliberate};
    if (mark.names_kind)
      report.kind = kind_of(mark, line.substr(at + mark.text.size()));
    else
      report.kind = without_numbers(mark.at_start ? line.substr(0, line.find(": terminated"))
                                                  : mark.text.substr(2));
    report.frames = frames_in(rest);
    return report;
  }
  return {};
}

}  // namespace

std::optional<Report> report_in(std::string_view text) {
  // Rust's println! panics when its reader is gone: that is its death by SIGPIPE.
  constexpr std::string_view kRustPipe = "failed printing to stdout";
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    std::optional<Report> report = report_at(line, text);
    if (!report) continue;
    if (report->tool == "Rust" &&
        (line.find(kRustPipe) != line.npos || text.starts_with(kRustPipe)))
      continue;
    return report;
  }
  return {};
}

std::string summary(const Report& report) {
  std::string text = report.kind;
  for (std::size_t i = 0; i < report.frames.size(); ++i)
    text += (i == 0 ? " in " : " < ") + report.frames[i];
  return text;
}

}  // namespace pipewrench
