// SPDX-License-Identifier: MIT
#include "reports/triage/frames.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "reports/triage/text.h"

namespace pipewrench {
namespace {

// Functions of the runtimes, of libc and of the harness: a bug is reported in them, never made.
constexpr std::array<std::string_view, 26> kForeignPrefixes = {
    "__asan",          "__lsan",
    "__msan",          "__tsan",
    "__ubsan",         "__sanitizer",
    "__interceptor",   "___interceptor",
    "fuzzer::",        "LLVMFuzzerRunDriver",
    "__GI_",           "__libc_",
    "__pthread_",      "__cxa_",
    "__gnu_cxx::",     "__gxx_",
    "__real_",         "__wrap_",
    "__afl",           "__sancov",
    "std::",           "_IO_",
    "fuzz::same",      "fuzz::differ",
    "fuzz::run_input", "pipewrench::check_failed"};
constexpr std::array<std::string_view, 16> kForeignFunctions = {
    "abort", "raise",  "gsignal", "_start",  "clone", "clone3",        "start_thread", "__clone3",
    "_exit", "malloc", "calloc",  "realloc", "free",  "__assert_fail", "__restore_rt", "??"};
constexpr std::array<std::string_view, 16> kForeignFiles = {
    "/compiler-rt/",  "/sysdeps/",    "/usr/include/",   "/include/c++/",
    "/libstdc++-v3/", "/libfuzzer/",  "/nptl/",          "/csu/",
    "/stdlib/abort",  "/lib/fuzzer/", "harness/inproc/", "harness/core/",
    "/signal/",       "/gtest/",      "/libcxx/",        "/crtstuff.c"};
constexpr std::array<std::string_view, 14> kForeignModules = {
    "libc.so",  "libstdc++", "libgcc_s",   "ld-linux", "libclang_rt", "libasan", "libtsan",
    "libubsan", "liblsan",   "libpthread", "libm.so",  "[vdso]",      "libc++",  "libc-"};

bool starts_with_any(std::string_view text, const auto& list) {
  return std::ranges::any_of(list, [&](std::string_view item) { return text.starts_with(item); });
}
bool contains_any(std::string_view text, const auto& list) {
  return std::ranges::any_of(
      list, [&](std::string_view item) { return text.find(item) != std::string_view::npos; });
}

bool is_ours(const StackFrame& frame) {
  const std::string plain = plain_function(frame.function);
  if (plain.empty() || std::ranges::find(kForeignFunctions, plain) != kForeignFunctions.end())
    return false;
  if (starts_with_any(plain, kForeignPrefixes)) return false;
  if (contains_any("/" + frame.file, kForeignFiles)) return false;
  return !contains_any(frame.module, kForeignModules);
}

// Takes ":12:34" or ":12" off the end; nothing if there is no number.
void take_position(std::string_view place, StackFrame& frame) {
  std::array<std::uint32_t, 2> numbers{};
  std::size_t count = 0;
  while (count < numbers.size()) {
    const std::size_t colon = place.rfind(':');
    if (colon == std::string_view::npos) break;
    const auto number = whole<std::uint32_t>(place.substr(colon + 1));
    if (!number) break;
    numbers[count++] = *number;
    place = place.substr(0, colon);
  }
  frame.file = place;
  frame.line = count == 2 ? numbers[1] : numbers[0];
  frame.column = count == 2 ? numbers[0] : 0;
}

// "(module+0x12)" as the whole text.
bool take_module(std::string_view text, StackFrame& frame) {
  if (!text.starts_with('(') || !text.ends_with(')')) return false;
  text = text.substr(1, text.size() - 2);
  const std::size_t plus = text.rfind("+0x");
  if (plus == std::string_view::npos) return false;
  frame.module = text.substr(0, plus);
  frame.offset = whole<std::uint64_t>(text.substr(plus + 3), 16).value_or(0);
  return true;
}

// "f (x=1, y=...) at a.c:7" or "f () from /lib/libc.so.6"
bool take_gdb(std::string_view text, StackFrame& frame) {
  const std::size_t open = text.find(" (");
  if (open == std::string_view::npos) return false;
  if (const std::size_t at = text.rfind(") at "); at != std::string_view::npos) {
    take_position(trimmed(text.substr(at + 5)), frame);
  } else if (const std::size_t from = text.rfind(") from "); from != std::string_view::npos) {
    frame.module = trimmed(text.substr(from + 7));
  } else if (!text.ends_with(')')) {
    return false;
  }
  frame.function = text.substr(0, open);
  return !frame.function.empty();
}

// Where what follows the function begins: a path or "(module+0x1)".
std::size_t place_in(std::string_view text) {
  if (text.ends_with(')')) return text.rfind(" (");
  const std::size_t path = text.find(" /");
  return path != std::string_view::npos ? path : text.rfind(' ');
}

void take_sanitizer(std::string_view text, StackFrame& frame) {
  if (const std::size_t build = text.rfind(" (BuildId:"); build != std::string_view::npos)
    text = trimmed(text.substr(0, build));
  if (take_module(text, frame)) return;  // not symbolised
  // ThreadSanitizer prints the module behind the file.
  if (const std::size_t module = text.rfind(" ("); module != std::string_view::npos)
    if (StackFrame other; take_module(text.substr(module + 1), other)) {
      frame.module = other.module;
      frame.offset = other.offset;
      text = trimmed(text.substr(0, module));
    }
  const std::size_t place = place_in(text);
  const bool is_place = place != std::string_view::npos && !text.ends_with(')') &&
                        (text[place + 1] == '/' || text.find(':', place) != std::string_view::npos);
  if (is_place) take_position(trimmed(text.substr(place)), frame);
  if (is_place && frame.file == "<null>") frame.file.clear();
  if (!is_place && text.ends_with(" <null>")) text.remove_suffix(7);
  frame.function = trimmed(is_place ? text.substr(0, place) : text);
}

// The end of what opens at `at`, behind its closing bracket; the text's end if it has none.
std::size_t behind(std::string_view text, std::size_t at, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && text[i - 1] != '-' && --depth == 0) return i + 1;
  }
  return text.size();
}

bool takes(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// "operator<<", "operator()", "operator bool": taken whole, as its brackets are none.
std::string operator_name(std::string_view& text) {
  std::size_t end = 8;
  if (text.substr(end).starts_with("()")) {
    end += 2;
  } else {
    while (end < text.size() &&
           std::string_view("<>=-+*/%^&|~!,[]").find(text[end]) != std::string_view::npos)
      ++end;
    if (end == 8)  // a conversion, new or delete
      while (end < text.size() && text[end] != '(' && text[end] != '<') ++end;
  }
  const std::string name(trimmed(text.substr(0, end)));
  text.remove_prefix(end);
  if (text.starts_with(" <")) text.remove_prefix(1);
  return name;
}

bool ends_word(const std::string& plain) {
  return plain.empty() ||
         (std::isalnum(static_cast<unsigned char>(plain.back())) == 0 && plain.back() != '_');
}

constexpr std::array<std::string_view, 5> kNameless = {
    "(anonymous namespace)::", "{anonymous}::", "__1::", "__cxx11::", "(anonymous)::"};
constexpr std::array<std::string_view, 6> kAppended = {".isra.", ".part.", ".constprop.",
                                                       ".llvm.", ".cold",  ".lto_priv."};

void without_appended(std::string& plain) {
  for (const std::string_view what : kAppended)
    if (const std::size_t at = plain.find(what); at != std::string::npos && at > 0)
      plain.resize(at);
}

}  // namespace

std::string plain_function(std::string_view text) {
  text = trimmed(text.substr(0, std::min<std::size_t>(text.size(), 4096)));
  std::string plain;
  while (!text.empty()) {
    if (std::ranges::any_of(kNameless, [&](auto what) { return takes(text, what); })) continue;
    if (text.starts_with("'lambda") || text.starts_with("{lambda") || text.starts_with("$_") ||
        text.starts_with("<lambda")) {
      const std::size_t end =
          text.find("::", text.starts_with('$') ? 0 : behind(text, 0, '(', ')'));
      text.remove_prefix(std::min(end, text.size()));
      plain += "lambda";
    } else if (text.starts_with("operator") && ends_word(plain) && text.size() > 8 &&
               text[8] != '_' && std::isalnum(static_cast<unsigned char>(text[8])) == 0) {
      plain += operator_name(text);
    } else if (text.front() == '<') {
      text.remove_prefix(behind(text, 0, '<', '>'));
      plain += "<...>";
    } else if (text.front() == '(') {
      // Arguments: nothing but a member of a local class may follow, "f(int)::Local::g()".
      text.remove_prefix(behind(text, 0, '(', ')'));
      takes(text, " const");
      if (!text.starts_with("::")) break;
    } else if (text.front() == ' ') {
      text.remove_prefix(1);
      if (text.starts_with("[clone")) break;
      plain.clear();  // it was the return type
    } else {
      plain += text.front();
      text.remove_prefix(1);
    }
  }
  without_appended(plain);
  return plain;
}

std::optional<unsigned> frame_number_of(std::string_view line) {
  line = trimmed(line);
  if (!takes(line, "#")) return {};
  return whole<unsigned>(line.substr(0, line.find(' ')));
}

std::optional<StackFrame> frame_of(std::string_view line) {
  if (!frame_number_of(line)) return {};
  line = trimmed(line);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return {};
  std::string_view text = trimmed(line.substr(space));
  StackFrame frame;
  const bool has_address = text.starts_with("0x");
  if (has_address) {
    const std::size_t end = std::min(text.find(' '), text.size());
    text = trimmed(text.substr(end));
    takes(text, "in ");
  }
  const bool is_gdb = text.find(") at ") != std::string_view::npos ||
                      text.find(") from ") != std::string_view::npos || text.ends_with(" ()");
  if (!is_gdb || !take_gdb(text, frame)) take_sanitizer(trimmed(text), frame);
  frame.ours = is_ours(frame);
  return frame;
}

}  // namespace pipewrench
