// SPDX-License-Identifier: MIT
#include "harness/tidy/tree.h"

#include <stdio.h>

#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

namespace tidy {
namespace {

namespace fs = std::filesystem;

// Walks over C and C++ text and blanks what is not code; lines stay where they are.
class Stripper {
 public:
  explicit Stripper(std::string_view text) : text_(text), code_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (text_.substr(at_).starts_with("//"))
        blank_until(text_.find('\n', at_));
      else if (text_.substr(at_).starts_with("/*"))
        blank_until(end_after("*/", at_ + 2));
      else if (text_.substr(at_).starts_with("R\"") && !is_word(at_ == 0 ? ' ' : text_[at_ - 1]))
        skip_raw_string();
      else if (text_[at_] == '"' || (text_[at_] == '\'' && !is_digit_separator()))
        skip_quoted(text_[at_]);
      else
        ++at_;
    }
    return code_;
  }

 private:
  static bool is_word(char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
  bool is_digit_separator() const { return at_ > 0 && is_word(text_[at_ - 1]); }
  std::size_t end_after(std::string_view mark, std::size_t from) const {
    const std::size_t found = text_.find(mark, from);
    return found == std::string_view::npos ? found : found + mark.size();
  }
  void blank_until(std::size_t end) {
    for (end = std::min(end, text_.size()); at_ < end; ++at_)
      if (text_[at_] != '\n') code_[at_] = ' ';
  }
  void skip_quoted(char quote) {
    ++at_;
    std::size_t end = at_;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n')
      end += text_[end] == '\\' ? 2 : 1;
    blank_until(end);
    if (at_ < text_.size()) ++at_;
  }
  void skip_raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return blank_until(text_.size());
    const std::string mark = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    blank_until(end_after(mark, open));
  }

  std::string_view text_;
  std::string code_;
  std::size_t at_ = 0;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The paths that git lists, or nothing where there is no git, no .git or not its owner.
std::optional<std::vector<std::string>> listed_by_git(const fs::path& root) {
  const std::string command =
      "git -C '" + root.string() + "' ls-files --cached --others --exclude-standard 2>/dev/null";
  const auto close = [](FILE* stream) { ::pclose(stream); };
  std::unique_ptr<FILE, decltype(close)> stream(::popen(command.c_str(), "re"), close);
  if (stream == nullptr) return std::nullopt;
  std::string output;
  std::array<char, 4096> chunk;
  while (const std::size_t count = ::fread(chunk.data(), 1, chunk.size(), stream.get()))
    output.append(chunk.data(), count);
  if (::pclose(stream.release()) != 0 || output.empty()) return std::nullopt;
  return split(output);
}

std::vector<std::string> walked(const fs::path& root) {
  std::vector<std::string> paths;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    const std::string path = fs::relative(entry->path(), root).string();
    const bool is_output = path == "build" || path == "pipewrench-out" || path == ".git";
    if (entry->is_directory() && is_output) entry.disable_recursion_pending();
    if (entry->is_regular_file()) paths.push_back(path);
  }
  return paths;
}

}  // namespace

Tree read_tree(const fs::path& root) {
  Tree tree;
  for (const std::string& path : listed_by_git(root).value_or(walked(root)))
    if (fs::is_regular_file(root / path)) tree.push_back(make_file(path, read(root / path)));
  return tree;
}

File make_file(std::string path, std::string_view text) {
  File file{.path = std::move(path), .lines = split(text), .code = {}};
  if (is_cpp(file)) file.code = split(Stripper(text).run());
  return file;
}

bool is_cpp(const File& file) {
  return file.path.ends_with(".cpp") || file.path.ends_with(".c") || is_header(file);
}
bool is_header(const File& file) { return file.path.ends_with(".h"); }
bool is_script(const File& file) { return !file.lines.empty() && file.lines[0].starts_with("#!"); }
bool is_test(const File& file) {
  return file.path.ends_with("_test.cpp") || file.path.ends_with("_testing.h") ||
         name_of(file.path).starts_with("test_");
}

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return std::string(path.substr(0, slash == std::string_view::npos ? 0 : slash));
}

std::string name_of(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

}  // namespace tidy
