// SPDX-License-Identifier: MIT
#include "harness/scenario/toml_table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>

#include "harness/core/printable.h"
#include "harness/scenario/duration.h"
#include "harness/scenario/parse_scenario.h"

namespace pipewrench {
namespace {

using Kind = TomlNode::Kind;

constexpr std::size_t kShown = 60;  // bytes of a wrong text in a message
constexpr std::array<std::string_view, 6> kKindNames = {
    "a table", "a list", "a text", "an integer", "true or false", "a fraction or a date"};

std::string quoted(std::string_view text) { return '"' + printable(text, kShown) + '"'; }

bool bytes_of_hex(std::string_view hex, std::string& bytes) {
  if (hex.size() % 2 != 0) return false;
  for (; !hex.empty(); hex.remove_prefix(2)) {
    std::uint8_t byte = 0;
    const char* end = hex.data() + 2;
    if (std::from_chars(hex.data(), end, byte, 16).ptr != end) return false;
    bytes += static_cast<char>(byte);
  }
  return true;
}

}  // namespace

void TomlTable::wrong_at(std::uint32_t line, const std::string& key, const std::string& cause) {
  if (problem_) return;
  const std::string whole = path_ + (path_.empty() || key.empty() ? "" : ".") + key;
  problem_ = BadInput{"", line, whole + (whole.empty() ? "" : ": ") + cause};
}

void TomlTable::wrong(const char* key, const std::string& cause) {
  const auto found = std::ranges::find(table_.items, key, &TomlNode::key);
  wrong_at(found != table_.items.end() ? found->line : table_.line, key, cause);
}

void TomlTable::wrong_type(const TomlNode& node, const char* key, const char* wanted) {
  const std::string_view is = kKindNames[static_cast<std::size_t>(node.kind)];
  wrong_at(node.line, key, std::string("must be ") + wanted + ", is " + std::string(is));
}

// nullptr: not there, or something was wrong before.
const TomlNode* TomlTable::find(const char* key, Need need) {
  known_.emplace_back(key);
  const auto found = std::ranges::find(table_.items, key, &TomlNode::key);
  if (found != table_.items.end()) return problem_ ? nullptr : &*found;
  if (need == Need::required) wrong_at(table_.line, key, "is not there");
  return nullptr;
}

const std::vector<TomlNode>& TomlTable::list(const char* key) {
  static const std::vector<TomlNode> kNone;
  const TomlNode* node = find(key);
  if (node == nullptr) return kNone;
  if (node->kind != Kind::list) return wrong_type(*node, key, "a list"), kNone;
  if (node->items.size() <= kMaxScenarioItems) return node->items;
  return wrong_at(node->line, key, "more than " + std::to_string(kMaxScenarioItems) + " items"),
         kNone;
}

std::int64_t TomlTable::integer(const TomlNode& node, const char* key, std::int64_t least,
                                std::int64_t most) {
  if (node.kind != Kind::integer)
    wrong_type(node, key, "an integer");
  else if (node.integer < least || node.integer > most)
    wrong_at(node.line, key,
             "must be from " + std::to_string(least) + " to " + std::to_string(most));
  return problem_ ? least : node.integer;
}

std::string TomlTable::text_of(const TomlNode& node, const char* key) {
  std::string text;
  const bool is_hex =
      node.kind == Kind::table && node.items.size() == 1 && node.items[0].key == "hex";
  if (node.kind == Kind::text)
    text = node.text;
  else if (!is_hex)
    wrong_type(node, key, "a text or { hex = \"...\" }");
  else if (node.items[0].kind != Kind::text || !bytes_of_hex(node.items[0].text, text))
    wrong_at(node.line, std::string(key) + ".hex", "must be a text of pairs of hex digits");
  if (text.size() > kMaxScenarioText)
    wrong_at(node.line, key, "longer than " + std::to_string(kMaxScenarioText) + " bytes");
  return text;
}

std::string TomlTable::word_of(const TomlNode& node, const char* key, bool may_be_empty) {
  std::string word = text_of(node, key);
  if (word.find('\0') != std::string::npos) wrong_at(node.line, key, "must not hold a zero byte");
  if (word.empty() && !may_be_empty) wrong_at(node.line, key, "must not be empty");
  return word;
}

void TomlTable::text(const char* key, std::string& text, Need need) {
  if (const TomlNode* node = find(key, need)) text = text_of(*node, key);
}

void TomlTable::text_if_there(const char* key, std::optional<std::string>& text) {
  if (const TomlNode* node = find(key)) text = text_of(*node, key);
}

void TomlTable::word(const char* key, std::string& text, Need need) {
  if (const TomlNode* node = find(key, need)) text = word_of(*node, key, false);
}

void TomlTable::texts(const char* key, std::vector<std::string>& texts) {
  for (const TomlNode& node : list(key)) texts.push_back(text_of(node, key));
}

// A program, then arguments, which may be empty as in execve(2).
void TomlTable::argv(const char* key, std::vector<std::string>& argv) {
  for (const TomlNode& node : list(key)) argv.push_back(word_of(node, key, !argv.empty()));
  if (argv.empty()) wrong(key, "must be a program and its arguments");
}

void TomlTable::flag(const char* key, bool& flag) {
  const TomlNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::flag) wrong_type(*node, key, "true or false");
  flag = node->integer != 0;
}

void TomlTable::duration(const char* key, std::uint64_t& time_ns) {
  const TomlNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::integer && node->kind != Kind::text)
    wrong_type(*node, key, "seconds or a text such as \"10s\"");
  time_ns =
      parse_duration(node->kind == Kind::text ? node->text : std::to_string(node->integer) + "s");
  if (time_ns == 0)
    wrong(key, "must be seconds, or a text of a number and ns, us, ms, s, min or h, above 0");
}

void TomlTable::signal(const char* key, int& number) {
  const TomlNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind == Kind::text)
    number = signal_of(node->text);
  else
    number = static_cast<int>(integer(*node, key, 1, SIGRTMAX));
  if (number == 0) wrong(key, quoted(node->text) + " is no signal; it looks like SIGTERM");
}

void TomlTable::variables(const char* key,
                          std::vector<std::pair<std::string, std::string>>& variables) {
  const TomlNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::table) return wrong_type(*node, key, "a table");
  for (const TomlNode& variable : node->items) {
    if (variable.key.empty() ||
        variable.key.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      wrong_at(variable.line, key, quoted(variable.key) + " cannot name a variable");
    variables.emplace_back(variable.key, word_of(variable, key, true));
  }
  if (variables.size() > kMaxScenarioItems)
    wrong(key, "more than " + std::to_string(kMaxScenarioItems) + " variables");
}

void TomlTable::inner(const TomlNode& table, const char* key, const Read& read) {
  TomlTable below(table, path_ + (path_.empty() ? "" : ".") + key, problem_);
  read(below);
  below.refuse_unknown_keys();
}

void TomlTable::table(const char* key, const Read& read) {
  const TomlNode* node = find(key);
  if (node == nullptr) return;
  if (node->kind != Kind::table) return wrong_type(*node, key, "a table");
  inner(*node, key, read);
}

void TomlTable::tables(const char* key, const Read& read) {
  for (const TomlNode& node : list(key)) {
    if (node.kind != Kind::table) return wrong_type(node, key, "a list of tables");
    inner(node, key, read);
  }
}

void TomlTable::tables_or_words(const char* key, const char* only, const Read& read) {
  for (const TomlNode& node : list(key)) {
    if (node.kind == Kind::table) {
      inner(node, key, read);
    } else if (node.kind == Kind::text) {
      TomlNode table{.kind = Kind::table, .line = node.line, .items = {node}};
      table.items[0].key = only;
      inner(table, key, read);
    } else {
      return wrong_type(node, key, "a text or a table");
    }
  }
}

void TomlTable::refuse_unknown_keys() {
  for (const TomlNode& node : table_.items) {
    if (std::ranges::find(known_, node.key) != known_.end()) continue;
    std::string known;
    for (const std::string_view name : known_)
      known += (known.empty() ? "" : ", ") + std::string(name);
    wrong_at(node.line, printable(node.key, kShown), "unknown key; known are " + known);
  }
}

}  // namespace pipewrench
