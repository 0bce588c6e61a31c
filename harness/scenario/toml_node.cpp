// SPDX-License-Identifier: MIT
#include "harness/scenario/toml_node.h"

#include <toml++/toml.h>
#include <algorithm>
#include <utility>

#include "harness/core/printable.h"

namespace pipewrench {
namespace {

// Behind a text that starts here; the end for one that does not end.
std::size_t end_of_text(std::string_view toml, std::size_t start) {
  const char quote = toml[start];
  const std::string three(3, quote);
  const bool is_long = toml.substr(start).starts_with(three);
  const std::string_view close =
      is_long ? std::string_view(three) : std::string_view(three).substr(2);
  for (std::size_t i = start + close.size(); i < toml.size(); ++i) {
    if (quote == '"' && toml[i] == '\\') {
      ++i;
    } else if (toml.substr(i).starts_with(close)) {
      i += close.size();
      // Up to two more quotes before the closing three belong to the text.
      for (int more = 0; is_long && more < 2 && i < toml.size() && toml[i] == quote; ++more) ++i;
      return i;
    } else if (!is_long && toml[i] == '\n') {
      return i;
    }
  }
  return toml.size();
}

// The line of the first key with too many dots, or 0. Outside texts a dot is in a key or a number.
std::uint32_t line_of_deep_key(std::string_view toml) {
  std::uint32_t line = 1;
  std::size_t dots = 0;
  for (std::size_t i = 0; i < toml.size();) {
    const char c = toml[i];
    std::size_t next = i + 1;
    if (c == '"' || c == '\'') next = end_of_text(toml, i);
    if (c == '#') next = std::min(toml.find('\n', i), toml.size());
    if (c == '\n' || c == '=' || c == ',') dots = 0;
    if (c == '.' && ++dots > kMaxTomlDots) return line;
    line += static_cast<std::uint32_t>(std::count(&toml[i], &toml[i] + (next - i), '\n'));
    i = next;
  }
  return 0;
}

TomlNode node_of(const toml::node& from);

std::vector<TomlNode> items_of(const toml::table& table) {
  std::vector<std::pair<toml::source_position, TomlNode>> found;
  for (const auto& [key, value] : table) {
    found.emplace_back(key.source().begin, node_of(value));
    found.back().second.key = key.str();
  }
  std::ranges::stable_sort(
      found, {}, [](const auto& entry) { return std::pair(entry.first.line, entry.first.column); });
  std::vector<TomlNode> items;
  for (auto& [position, node] : found) items.push_back(std::move(node));
  return items;
}

TomlNode node_of(const toml::node& from) {
  using Kind = TomlNode::Kind;
  TomlNode node{.line = from.source().begin.line};
  if (const auto* table = from.as_table()) {
    node.kind = Kind::table;
    node.items = items_of(*table);
  } else if (const auto* list = from.as_array()) {
    node.kind = Kind::list;
    for (const toml::node& item : *list) node.items.push_back(node_of(item));
  } else if (const auto* text = from.as_string()) {
    node.kind = Kind::text;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Kind::integer;
    node.integer = integer->get();
  } else if (const auto* flag = from.as_boolean()) {
    node.kind = Kind::flag;
    node.integer = flag->get() ? 1 : 0;
  }
  return node;
}

}  // namespace

std::expected<TomlNode, BadInput> parse_toml(std::string_view toml, const std::string& file) {
  if (const std::uint32_t line = line_of_deep_key(toml); line != 0)
    return std::unexpected(
        BadInput{file, line, "a key with more than " + std::to_string(kMaxTomlDots) + " dots"});
  try {
    return node_of(toml::parse(toml));
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        BadInput{file, error.source().begin.line, printable(error.description(), 300)});
  }
}

}  // namespace pipewrench
