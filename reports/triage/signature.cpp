// SPDX-License-Identifier: MIT
#include "reports/triage/signature.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <optional>
#include <set>

#include "reports/triage/frames.h"
#include "reports/triage/text.h"

namespace pipewrench {
namespace {

constexpr std::size_t kFrames = 1;  // of the program: who failed
constexpr std::size_t kMostOperations = 64;
constexpr auto kNone = std::string_view::npos;

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::vector<std::string> own_frames(const Crash& crash, std::size_t most) {
  std::vector<std::string> names;
  if (crash.stacks.empty()) return names;
  for (const StackFrame& frame : crash.stacks.front().frames) {
    if (!frame.ours || names.size() == most) continue;
    std::string name = plain_function(frame.function);
    if (names.empty() || names.back() != name) names.push_back(std::move(name));  // recursion
  }
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

// Numbers, and what is quoted, are the input's.
std::string without_values(std::string_view text) {
  std::string kept;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escaped = is_quoted && text[i] == '\\' && i + 1 < text.size();
    if (is_escaped) {
      ++i;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
      if (is_quoted) kept += '~';
    } else if (!is_quoted && is_digit(text[i])) {
      const bool is_begun = !kept.empty() && kept.back() == '#';
      if (!is_begun) kept += '#';
    } else if (!is_quoted) {
      kept += text[i];
    }
  }
  return kept;
}

// The subject of an error, between its number and its kind, is a path or an id.
std::string without_subject(std::string_view text) {
  const std::size_t open = text.rfind(" [");
  const std::size_t call = text.find('(');
  if (open == kNone || call == kNone || !text.ends_with(']')) return without_values(text);
  const std::size_t symbol = text.find("): E");
  std::string kept(text.substr(0, call));
  if (symbol != kNone && symbol < open)
    kept += " " + std::string(text.substr(symbol + 3, text.find(':', symbol + 3) - symbol - 3));
  return kept + std::string(text.substr(open));
}

// Whether a call that finds nothing says so at once or after a while is the caller's wish.
std::string failure_of(std::string_view error) {
  constexpr std::array<std::string_view, 4> kNothingComes = {
      " ENOMSG [would_block]", " EAGAIN [would_block]", " ETIMEDOUT [timed_out]", " [timed_out]"};
  std::string text = without_subject(error);
  for (const std::string_view end : kNothingComes)
    if (text.ends_with(end)) return text.substr(0, text.size() - end.size()) + " [would wait]";
  return text;
}

struct Text {
  std::string_view bytes;  // as shown
  long size = 0;
};
// "\"abc\" (3 bytes)"
std::optional<Text> text_of(std::string_view value) {
  const std::size_t open = value.rfind(" (");
  if (!value.starts_with('"') || open == kNone || !value.ends_with(" bytes)")) return {};
  const auto size = whole<long>(value.substr(open + 2, value.size() - open - 9));
  const std::size_t quote = value.rfind('"', open);
  if (!size || quote == 0) return {};
  return Text{value.substr(1, quote - 1), *size};
}

// By how much is the input's doing.
std::string relation(long real, long model) { return real < model ? "too little" : "too much"; }

// Of a set of flags those that differ.
std::string flags_of(long real, long model) {
  std::string text;
  if (const long more = real & ~model; more != 0) text += " +" + std::to_string(more);
  if (const long less = model & ~real; less != 0) text += " -" + std::to_string(less);
  return text.substr(text.empty() ? 0 : 1);
}

std::string relation(const Text& real, const Text& model) {
  if (real.size == model.size) return "other bytes";
  const bool is_shorter = real.size < model.size;
  const std::string_view less = is_shorter ? real.bytes : model.bytes;
  const std::string_view more = is_shorter ? model.bytes : real.bytes;
  const std::string shape = more.starts_with(less) ? "begin" : more.ends_with(less) ? "end" : "";
  if (shape.empty()) return "other bytes";
  return is_shorter ? "fewer: its " + shape : "more: other " + shape;
}

struct Difference {
  std::string_view operation, what, real, model;
};
// "receive: size: real 5, model 4"
std::optional<Difference> difference_of(std::string_view detail) {
  const std::size_t colon = detail.find(": ");
  const std::size_t real = detail.find(": real ");
  const std::size_t model = detail.rfind(", model ");
  if (colon == kNone || real == kNone || model == kNone || real < colon || model < real) return {};
  const std::size_t what = std::min(colon + 2, real);
  return Difference{detail.substr(0, colon), detail.substr(what, real - what),
                    detail.substr(real + 7, model - real - 7), detail.substr(model + 8)};
}

// Numbers that name something: which is the greater is the input's doing.
constexpr std::array<std::string_view, 2> kNames = {"type", "sequence"};

// What differs, as far as it is the bug itself: a text in how, a number with a meaning as it is.
// Any other number, and what a call came to, says little: which operations the smallest input needs
// then has to help.
struct Told {
  std::string text;
  bool is_enough = true;
};
Told told_by(const Difference& difference, Rule rule) {
  const std::string_view what = difference.what;
  const auto real = whole<long>(difference.real), model = whole<long>(difference.model);
  const auto has = [&](std::string_view word) { return what.find(word) != kNone; };
  if (real && model && (has("poll") || has("mode"))) return {flags_of(*real, *model)};
  if (real && model && has("errno")) {
    if (rule == Rule::before)
      return {std::string(difference.real) + " not " + std::string(difference.model)};
    const auto [less, more] = std::minmax(*real, *model);
    return {std::to_string(less) + " or " + std::to_string(more)};
  }
  const bool is_name = rule == Rule::now && std::ranges::any_of(kNames, has);
  if (real && model && is_name) return {"another", false};
  if (real && model) return {relation(*real, *model), false};
  const auto real_text = text_of(difference.real), model_text = text_of(difference.model);
  if (real_text && model_text) return {relation(*real_text, *model_text)};
  return {without_subject(difference.real) + " not " + without_subject(difference.model), false};
}

// Which operations the smallest input needs, in no order.
std::string names_of(const std::vector<Operation>& operations) {
  std::set<std::string> names;
  for (const Operation& operation : operations) names.insert(operation.name);
  return joined({names.begin(), names.end()}, ", ");
}

// And which faults.
std::string shape_of(const std::vector<Operation>& operations) {
  std::set<std::string> faults;
  for (const Operation& operation : operations)
    if (!operation.fault.empty()) faults.insert(operation.fault);
  std::string text = names_of(operations);
  if (!faults.empty()) text += " with " + joined({faults.begin(), faults.end()}, ", ");
  return text;
}

std::string after(const std::vector<Operation>& operations) {
  return operations.empty() ? "" : " after " + shape_of(operations);
}

// "msgrcv(msqid=1): EINTR: why [interrupted]": a call's failure that should not have come out tells
// more than who asked for it.
bool is_error(std::string_view value) {
  return value.ends_with(']') && value.find('(') != kNone && !value.starts_with('"');
}

// What a call came to, rather than the state of a thing that has a name.
bool is_outcome(std::string_view what, const std::vector<Operation>& operations) {
  constexpr std::array<std::string_view, 3> kOutcomes = {"result", "kind", "failure"};
  return std::ranges::find(kOutcomes, what) != kOutcomes.end() ||
         std::ranges::find(operations, what, &Operation::name) != operations.end();
}

std::string mismatch(const Crash& crash, const std::vector<Operation>& operations, Rule rule) {
  const auto difference = difference_of(crash.detail);
  if (!difference) return without_values(crash.detail);
  if (is_error(difference->real)) return failure_of(difference->real);
  const Told told = told_by(*difference, rule);
  std::string text = std::string(difference->what) + ": " + told.text;
  const bool is_state = rule == Rule::now && !whole<long>(difference->real) &&
                        !is_outcome(difference->what, operations);
  if (!told.is_enough && !is_state && !operations.empty()) text += " after " + names_of(operations);
  return text;
}

// Where an access beyond an object lands, and what it is called there, is chance; so is whether a
// buffer that may be empty is no buffer at all, and what a length that is wrong makes of a copy.
constexpr std::array<std::string_view, 12> kBadAccess = {"SEGV",
                                                         "BUS",
                                                         "unknown-crash",
                                                         "heap-buffer-overflow",
                                                         "stack-buffer-overflow",
                                                         "global-buffer-overflow",
                                                         "object-size",
                                                         "nonnull-argument",
                                                         "container-overflow",
                                                         "index-out-of-bounds",
                                                         "memcpy-param-overlap",
                                                         "negative-size-param"};

}  // namespace

bool is_noticed_later(const Crash& crash) {
  return crash.tool == "target" || crash.tool == "guard";
}

std::string signature_of(const Crash& crash, const std::vector<Operation>& operations, Rule rule) {
  if (is_noticed_later(crash)) {
    if (crash.tool != "target")
      return crash.kind + " " + without_values(crash.detail) + after(operations);
    return mismatch(crash, operations, rule);
  }
  const std::vector<std::string> frames = own_frames(crash, kFrames);
  if (frames.empty()) return crash.kind + " " + without_values(crash.detail);
  return cause_of_kind(crash.kind) + " in " + joined(frames, " < ");
}

std::string cause_of_kind(const std::string& kind) {
  const bool is_bad_access = std::ranges::find(kBadAccess, kind) != kBadAccess.end();
  return is_bad_access ? "bad-access" : kind;
}

namespace {

// "42 (ENOMSG)": of an errno its name.
std::string with_name(std::string_view what, std::string_view value) {
  const auto number = whole<int>(value);
  const bool is_errno = what.find("errno") != kNone && number;
  const char* const name = is_errno && *number != 0 ? ::strerrorname_np(*number) : nullptr;
  return std::string(value) + (name == nullptr ? "" : std::string(" (") + name + ")");
}

}  // namespace

std::string sentence_of(const Crash& crash) {
  const std::vector<std::string> frames = own_frames(crash, 1);
  std::string place;
  if (!frames.empty() && !is_noticed_later(crash)) {
    const auto& all = crash.stacks.front().frames;
    const auto first = std::ranges::find_if(all, &StackFrame::ours);
    place = " in " + frames.front();
    if (!first->file.empty())
      place += " (" + first->file.substr(first->file.rfind('/') + 1) + ":" +
               std::to_string(first->line) + ")";
  }
  if (crash.tool == "target") {
    const auto difference = difference_of(crash.detail);
    if (!difference) return "differs from the model: " + crash.detail;
    const auto& [operation, what, real, model] = *difference;
    const std::string who = operation == "end" ? "at the end" : std::string(operation);
    return who + ": " + std::string(what) + " is " + with_name(what, real) + ", should be " +
           with_name(what, model);
  }
  if (crash.tool == "guard" && crash.kind == "leak") return "leaves " + crash.detail + " behind";
  if (crash.tool == "guard" && crash.kind == "hang") return "hangs: " + crash.detail;
  std::string text = crash.kind;
  if (!crash.access.empty()) text += ", " + crash.access + ",";
  text += place;
  if (!crash.detail.empty() && crash.detail != crash.kind) text += ": " + crash.detail;
  return text;
}

std::string top_three_frames(const Crash& crash) {
  std::vector<std::string> names;
  if (!crash.stacks.empty())
    for (const StackFrame& frame : crash.stacks.front().frames)
      if (frame.ours && names.size() < 3) names.push_back(plain_function(frame.function));
  return crash.kind + " " + joined(names, " < ");
}

std::string target_of(std::string_view executable) {
  std::string_view name = executable.substr(executable.rfind('/') + 1);
  for (const std::string_view start : {"fuzz_", "replay_", "afl_"})
    if (name.starts_with(start)) {
      name.remove_prefix(start.size());
      break;
    }
  return std::string(name.substr(0, name.find("_planted_")));
}

std::vector<Operation> operations_in(std::string_view log) {
  constexpr std::string_view kClient = "client ", kFault = "fault: ";
  std::vector<Operation> operations;
  while (!log.empty() && operations.size() < kMostOperations) {
    const std::size_t end = std::min(log.find('\n'), log.size());
    std::string_view line = log.substr(0, end);
    log.remove_prefix(std::min(end + 1, log.size()));
    if (!line.starts_with("  ")) continue;
    line = trimmed(line);
    if (line.starts_with(kFault) && !operations.empty() && operations.back().fault.empty()) {
      line.remove_prefix(kFault.size());  // "msgrcv: EINTR: why it may happen"
      const std::size_t call = line.find(": ");
      const std::size_t fault_end = call == kNone ? kNone : line.find(':', call + 2);
      operations.back().fault = line.substr(0, fault_end);
    }
    const std::size_t number = line.find("  ");
    if (number == kNone || !whole<long>(line.substr(0, number))) continue;
    line = trimmed(line.substr(number));
    if (!line.starts_with(kClient)) continue;
    line.remove_prefix(kClient.size());
    while (!line.empty() && is_digit(line.front())) line.remove_prefix(1);
    line = trimmed(line);
    // Two spaces, or an operand, "mtype=1", end the name, which may be of several words.
    std::string_view name = line.substr(0, line.find("  "));
    if (const std::size_t equal = name.find('='); equal != kNone)
      name = name.substr(0, std::min(name.rfind(' ', equal), equal));
    operations.push_back({.name = std::string(name), .fault = {}});
  }
  return operations;
}

}  // namespace pipewrench
