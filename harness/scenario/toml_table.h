// A table of a scenario file, read key by key into plain values. The first thing that is wrong is
// kept, with its line; what is asked for after that does nothing.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/scenario/toml_node.h"

namespace pipewrench {

enum class Need : bool { optional, required };

class TomlTable {
 public:
  using Read = std::function<void(TomlTable&)>;

  // `path` is that of the table in the file: "setup.queue". `table` and `problem` outlive this.
  TomlTable(const TomlNode& table, std::string path, std::optional<BadInput>& problem)
      : table_(table), path_(std::move(path)), problem_(problem) {}

  void text(const char* key, std::string& text, Need need = Need::optional);
  // A text that the kernel takes: not empty, and without a zero byte.
  void word(const char* key, std::string& text, Need need = Need::optional);
  void texts(const char* key, std::vector<std::string>& texts);
  void argv(const char* key, std::vector<std::string>& argv);
  void flag(const char* key, bool& flag);
  void duration(const char* key, std::uint64_t& time_ns);  // 5, "10s", "500ms"
  void signal(const char* key, int& number);               // "SIGTERM", 15
  void variables(const char* key, std::vector<std::pair<std::string, std::string>>& variables);

  template <class T>
  void number(const char* key, T& value, std::int64_t least, std::int64_t most,
              Need need = Need::optional) {
    const TomlNode* node = find(key, need);
    if (node != nullptr) value = static_cast<T>(integer(*node, key, least, most));
  }

  template <class T>
  void numbers(const char* key, std::vector<T>& values, std::int64_t least, std::int64_t most) {
    for (const TomlNode& node : list(key))
      values.push_back(static_cast<T>(integer(node, key, least, most)));
  }

  template <class T>
  void number_if_there(const char* key, std::optional<T>& value, std::int64_t least,
                       std::int64_t most) {
    if (const TomlNode* node = find(key)) value = static_cast<T>(integer(*node, key, least, most));
  }
  void text_if_there(const char* key, std::optional<std::string>& text);

  // A table below this one, or each of a list of them; their unknown keys are found here.
  void table(const char* key, const Read& read);
  void tables(const char* key, const Read& read);
  // A list in which a bare text stands for a table with `only` this key.
  void tables_or_words(const char* key, const char* only, const Read& read);

  // For what the caller finds wrong with a key's value; "" is the table itself.
  void wrong(const char* key, const std::string& cause);
  bool failed() const { return problem_.has_value(); }
  void refuse_unknown_keys();

 private:
  const TomlNode* find(const char* key, Need need = Need::optional);
  const std::vector<TomlNode>& list(const char* key);
  std::int64_t integer(const TomlNode& node, const char* key, std::int64_t least,
                       std::int64_t most);
  std::string text_of(const TomlNode& node, const char* key);
  std::string word_of(const TomlNode& node, const char* key, bool may_be_empty);
  void inner(const TomlNode& table, const char* key, const Read& read);
  void wrong_at(std::uint32_t line, const std::string& key, const std::string& cause);
  void wrong_type(const TomlNode& node, const char* key, const char* wanted);

  const TomlNode& table_;
  std::string path_;
  std::optional<BadInput>& problem_;
  std::vector<std::string_view> known_;
};

}  // namespace pipewrench
