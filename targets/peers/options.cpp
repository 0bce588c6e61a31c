// SPDX-License-Identifier: MIT
#include "targets/peers/options.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace peers {
namespace {

ipc::Failure refuse(std::string sentence) {
  return ipc::fail(ipc::Kind::bad_argument, 0, "peer", {}, std::move(sentence));
}

bool is_choice(std::string_view choices, std::string_view word) {
  while (true) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == word) return true;
    if (bar == choices.npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

ipc::Result<> check(const Key& key, const std::string& value) {
  const std::string shown = std::string(key.name) + "=" + value;
  if (key.is_number() && !whole_number(value, key.low, key.high))
    return refuse(shown + ": must be a whole number from " + std::to_string(key.low) + " to " +
                  std::to_string(key.high));
  if (key.choices != nullptr && !is_choice(key.choices, value))
    return refuse(shown + ": must be one of " + key.choices);
  if (value.find('\0') != value.npos || value.empty()) return refuse(shown + ": must not be empty");
  return {};
}

}  // namespace

ipc::Result<long> whole_number(std::string_view text, long low, long high) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < low ||
      value > high)
    return refuse("'" + std::string(text) + "' is no whole number from " + std::to_string(low) +
                  " to " + std::to_string(high));
  return value;
}

ipc::Result<Options> Options::parse(std::span<const char* const> words, std::span<const Key> keys) {
  Options options;
  for (const std::string_view word : words) {
    const std::size_t equals = word.find('=');
    if (equals == word.npos) return refuse("'" + std::string(word) + "' is not key=value");
    const std::string name(word.substr(0, equals));
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key == keys.end()) return refuse("unknown key '" + name + "'");
    const std::string value(word.substr(equals + 1));
    if (const auto checked = check(*key, value); !checked) return ipc::Failure(checked.error());
    if (!options.values_.emplace(name, value).second) return refuse("'" + name + "' given twice");
  }
  for (const Key& key : keys) {
    if (options.values_.contains(key.name)) continue;
    if (key.fallback == nullptr) return refuse(std::string(key.name) + "= must be given");
    options.values_.emplace(key.name, key.fallback);
  }
  return options;
}

long Options::number(std::string_view key) const {
  return *whole_number(text(key), std::numeric_limits<long>::min(),
                       std::numeric_limits<long>::max());
}

}  // namespace peers
