// How long things are. Functions are found by their braces, not by a parser: what opens a brace
// after a parenthesis, and is no type, is one.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cctype>
#include <regex>

#include "harness/tidy/rules.h"

namespace tidy {
namespace {

constexpr std::size_t kLongestFile = 600;
constexpr std::size_t kLongestHeader = 150;
constexpr std::size_t kLongestFunction = 70;
constexpr std::size_t kLongestLine = 100;

std::size_t characters(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// `opening`: the text between the last ; { or } and a brace.
bool opens_function(const std::string& opening) {
  static const std::regex kType(
      R"(^\s*(template\s*<.*>\s*)?(typedef\s+)?(struct|class|union|enum|namespace)\b[^)]*$)");
  return opening.find('(') != std::string::npos && !std::regex_search(opening, kType);
}

class Functions {
 public:
  explicit Functions(const File& file) : file_(file) {}

  Problems too_long() {
    for (line_ = 0; line_ < file_.code.size(); ++line_) {
      const std::string& code = file_.code[line_];
      if (code.starts_with("#")) continue;
      for (const char c : code) take(c);
      if (!opening_.empty()) opening_ += ' ';
    }
    return problems_;
  }

 private:
  void take(char c) {
    if (c == '{') {
      if (function_depth_ == 0 && opens_function(opening_)) {
        function_depth_ = depth_ + 1;
        function_start_ = opening_line_;
      }
      ++depth_;
    } else if (c == '}') {
      if (depth_ > 0 && depth_ == function_depth_) end_function();
      if (depth_ > 0) --depth_;
    }
    if (c == '{' || c == '}' || c == ';') {
      opening_.clear();
    } else if (!opening_.empty() || !std::isspace(static_cast<unsigned char>(c))) {
      if (opening_.empty()) opening_line_ = line_;
      opening_ += c;
    }
  }

  void end_function() {
    const std::size_t length = line_ - function_start_ + 1;
    if (length > kLongestFunction)
      problems_.push_back({file_.path, function_start_ + 1,
                           "split the function: " + std::to_string(length) + " lines, at most " +
                               std::to_string(kLongestFunction)});
    function_depth_ = 0;
  }

  const File& file_;
  Problems problems_;
  std::string opening_;
  std::size_t line_ = 0;
  std::size_t opening_line_ = 0;
  std::size_t depth_ = 0;
  std::size_t function_depth_ = 0;  // 0: outside
  std::size_t function_start_ = 0;
};

}  // namespace

Problems check_lengths(const Tree& tree) {
  Problems problems;
  for (const File& file : tree) {
    const bool is_code = is_cpp(file) || is_script(file) || file.path.ends_with(".cmake");
    const std::size_t limit = is_header(file) ? kLongestHeader : kLongestFile;
    if (is_code && file.lines.size() > limit)
      problems.push_back({file.path, 0,
                          "split the file: " + std::to_string(file.lines.size()) +
                              " lines, at most " + std::to_string(limit)});
    if (!is_cpp(file)) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i)
      if (const std::size_t length = characters(file.lines[i]); length > kLongestLine)
        problems.push_back({file.path, i + 1,
                            "break the line: " + std::to_string(length) + " characters, at most " +
                                std::to_string(kLongestLine)});
    std::ranges::copy(Functions(file).too_long(), std::back_inserter(problems));
  }
  return problems;
}

}  // namespace tidy
