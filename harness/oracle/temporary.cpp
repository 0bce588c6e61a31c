// SPDX-License-Identifier: MIT
#include "harness/oracle/temporary.h"

#include <algorithm>
#include <cstddef>

namespace pipewrench {
namespace {

constexpr std::string_view kTemplate = "XXXXXX";
constexpr std::string_view kSeparators = ".-_";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter_or_digit(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

std::size_t run_of(std::string_view text, bool (*is_one)(char)) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_one) - text.begin());
}

// "reader", "ROOM", "logFile", "room12".
bool may_be_word(std::string_view text) {
  constexpr std::size_t kShortestHump = 3, kMostDigits = 2;
  const std::size_t lower = run_of(text, is_lower);
  const std::size_t letters = lower > 0 ? lower : run_of(text, is_upper);
  if (run_of(text.substr(letters), is_digit) == text.size() - letters) return true;
  text.remove_prefix(lower);
  while (!text.empty() && is_upper(text.front())) {
    const std::size_t hump = 1 + run_of(text.substr(1), is_lower);
    if (hump < kShortestHump) return false;
    text.remove_prefix(hump);
  }
  return text.size() <= kMostDigits && run_of(text, is_digit) == text.size();
}

// How many bytes at its end are made up; 0 if none.
std::size_t random_tail(std::string_view name) {
  const auto last = std::ranges::find_if_not(name.rbegin(), name.rend(), is_letter_or_digit);
  const auto run = static_cast<std::size_t>(last - name.rbegin());
  const bool is_apart = run < name.size() && kSeparators.find(*last) != kSeparators.npos;
  const std::size_t tail = is_apart && run <= 10 ? run : kTemplate.size();  // mktemp(1): 10
  if (run < kTemplate.size() || tail < kTemplate.size()) return 0;
  return may_be_word(name.substr(name.size() - tail)) ? 0 : tail;
}

// Python's tempfile: "tmp" and eight of [a-z0-9_].
bool is_pythons(std::string_view name) {
  constexpr std::string_view kPrefix = "tmp";
  return name.size() == kPrefix.size() + 8 && name.starts_with(kPrefix) &&
         std::ranges::all_of(name, [](char c) { return is_lower(c) || is_digit(c) || c == '_'; }) &&
         !may_be_word(name);
}

std::string part_without(std::string_view name) {
  if (is_pythons(name)) return "tmp" + std::string(kTemplate);
  // mkstemps(3) and `mktemp --suffix`: something known may follow.
  const std::size_t dot = name.rfind('.');
  for (const std::size_t end : {name.size(), dot == name.npos ? name.size() : dot}) {
    const std::size_t tail = random_tail(name.substr(0, end));
    if (tail == 0) continue;
    return std::string(name.substr(0, end - tail)).append(kTemplate).append(name.substr(end));
  }
  return std::string(name);
}

}  // namespace

std::string without_random(std::string_view path) {
  if (path.find('/') == path.npos) return std::string(path);
  std::string text;
  while (true) {
    const std::size_t end = std::min(path.find('/'), path.size());
    text += part_without(path.substr(0, end));
    if (end == path.size()) return text;
    text += '/';
    path.remove_prefix(end + 1);
  }
}

}  // namespace pipewrench
