// SPDX-License-Identifier: MIT
#include "harness/tidy/rules.h"

#include <algorithm>
#include <array>
#include <regex>
#include <set>
#include <string_view>

namespace tidy {
namespace {

// This folder has to spell what it looks for.
bool is_tidy(const File& file) { return file.path.starts_with("harness/tidy/"); }

bool is_document(const File& file) { return file.path.ends_with(".md"); }

bool is_data(const File& file) { return file.path.starts_with("corpus/") && !is_document(file); }

void find_lines(const std::string& path, const std::vector<std::string>& lines,
                const std::regex& pattern, const char* remedy, Problems& problems) {
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (std::regex_search(lines[i], pattern)) problems.push_back({path, i + 1, remedy});
}

bool has_own_header(const Tree& tree, const File& file) {
  if (!file.path.ends_with(".cpp") && !file.path.ends_with(".c")) return false;
  const std::string header = file.path.substr(0, file.path.rfind('.')) + ".h";
  return std::ranges::find(tree, header, &File::path) != tree.end();
}

// A test's subject is in its name.
bool is_unit_test_beside(const Tree& tree, const File& file) {
  constexpr std::string_view kEnd = "_test.cpp";
  if (!file.path.ends_with(kEnd)) return false;
  const std::string stem = file.path.substr(0, file.path.size() - kEnd.size());
  return std::ranges::any_of(tree, [&](const File& other) {
    return other.path == stem + ".h" || other.path == stem + ".cpp";
  });
}

}  // namespace

Problems check_top_level(const Tree& tree) {
  static const std::set<std::string, std::less<>> kAllowed = {
      "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE", "harness", "targets",
      "corpus",         "sanitizers",        "reports"};
  Problems problems;
  for (const File& file : tree) {
    const std::string first = file.path.substr(0, file.path.find('/'));
    if (!first.starts_with('.') && !kAllowed.contains(first))
      problems.push_back({file.path, 0, "move it: the top level holds only what the design names"});
  }
  return problems;
}

Problems check_words(const Tree& tree) {
  static const std::regex kSleep(
      R"(\b(sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\s*\()");
  static const std::regex kShellSleep(R"(^([^#"']*[;&|]\s*|\s*)(do |then |else )?sleep\s)");
  static const std::regex kNote(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  static const std::regex kCout(R"(\bstd::(cout|cerr)\b)");
  static const std::regex kStd(R"(\busing\s+namespace\s+std\s*;)");
  constexpr const char* kWait = "wait for a state instead (poll a pipe, a pidfd, a condition)";
  constexpr std::array<std::string_view, 4> kPrograms = {"harness/cli/", "harness/tidy/",
                                                         "targets/peers/", "targets/planted/"};
  Problems problems;
  for (const File& file : tree) {
    if (is_data(file)) continue;
    if (!is_tidy(file))
      find_lines(file.path, file.lines, kNote, "do it, or open an issue for it", problems);
    if (is_script(file)) find_lines(file.path, file.lines, kShellSleep, kWait, problems);
    if (!is_cpp(file)) continue;
    // harness/inproc defines the wrappers of these calls and its tests prove that they do not wait;
    // planted programs are written as users write theirs, and their time is virtual.
    if (!file.path.starts_with("harness/inproc/") &&
        !file.path.starts_with("targets/planted/programs/"))
      find_lines(file.path, file.code, kSleep, kWait, problems);
    find_lines(file.path, file.code, kStd, "name what is used: std::...", problems);
    const bool is_program = std::ranges::any_of(
        kPrograms, [&](std::string_view folder) { return file.path.starts_with(folder); });
    if (!is_program && !is_test(file))
      find_lines(file.path, file.code, kCout, "return the text; only programs print", problems);
  }
  return problems;
}

Problems check_openings(const Tree& tree) {
  constexpr std::size_t kLongestOpening = 6;
  static const std::regex kComment(R"(^(//|/\*| \*).*)");
  static const std::regex kLicence(R"(^(//|/\*) SPDX-License-Identifier: MIT( \*/)?$)");
  Problems problems;
  for (const File& file : tree) {
    if (!is_cpp(file)) {
      const std::size_t first = is_script(file) ? 1 : 0;
      if (file.path.starts_with(".")) continue;  // one-liners that CI services prescribe
      const bool is_commented = is_script(file) || file.path.ends_with(".cmake") ||
                                name_of(file.path) == "CMakeLists.txt";
      if (is_commented && (file.lines.size() <= first || !file.lines[first].starts_with("#")))
        problems.push_back({file.path, first + 1, "open with a comment: what this file is"});
      continue;
    }
    std::size_t opening = 0;
    while (opening < file.lines.size() && std::regex_match(file.lines[opening], kComment) &&
           !std::regex_match(file.lines[opening], kLicence))
      ++opening;
    if (opening >= file.lines.size() || !std::regex_match(file.lines[opening], kLicence))
      problems.push_back(
          {file.path, opening + 1, "after the opening comment: // SPDX-License-Identifier: MIT"});
    if (opening == 0 && !has_own_header(tree, file) && !is_unit_test_beside(tree, file))
      problems.push_back({file.path, 1, "open with a comment: what it is and must not do"});
    if (opening > kLongestOpening)
      problems.push_back({file.path, 1, "open with at most six lines; the rest goes to README.md"});
    if (is_header(file) && std::ranges::find(file.lines, "#pragma once") == file.lines.end())
      problems.push_back({file.path, opening + 2, "a header says #pragma once"});
  }
  return problems;
}

Problems check_readmes(const Tree& tree) {
  std::set<std::string> folders;
  std::set<std::string> explained;
  for (const File& file : tree) {
    if (file.path.starts_with(".")) continue;
    if (name_of(file.path) == "README.md") explained.insert(folder_of(file.path));
    // Folders of data are explained by the one above.
    if (is_data(file) || file.path.ends_with(".mutant")) continue;
    for (std::string folder = folder_of(file.path);; folder = folder_of(folder)) {
      folders.insert(folder);
      if (folder.empty()) break;
    }
  }
  Problems problems;
  for (const std::string& folder : folders)
    if (!explained.contains(folder))
      problems.push_back({folder.empty() ? "README.md" : folder + "/README.md", 0,
                          "write it: the folder's rule, a picture, how to add one"});
  return problems;
}

Problems check_names(const Tree& tree) {
  static const std::regex kSnake(R"([a-z0-9_]+(\.[a-z0-9_]+)*)");
  static const std::regex kKebab(R"([a-z0-9_]+(-[a-z0-9_]+)*(\.[a-z]+)?)");
  // Names that a tool prescribes.
  static const std::set<std::string, std::less<>> kPrescribed = {
      "README.md", "LICENSE", "CMakeLists.txt", "CMakePresets.json", "pipewrenchConfig.cmake",
      "Dockerfile"};
  Problems problems;
  for (const File& file : tree) {
    const std::string name = name_of(file.path);
    if (name.starts_with('.') || kPrescribed.contains(name)) continue;
    const bool is_reason = is_data(file) || name.ends_with(".mutant");
    if (!std::regex_match(name, is_reason ? kKebab : kSnake))
      problems.push_back(
          {file.path, 0, is_reason ? "name it for its reason-in-kebab-case" : "use snake_case"});
  }
  return problems;
}

Problems check_sanitizer_flags(const Tree& tree) {
  static const std::regex kFlag(
      R"(-fsanitize|-fno-sanitize|-fprofile-instr|-fcoverage-mapping|\b[A-Z]+SAN_OPTIONS\b)");
  Problems problems;
  for (const File& file : tree)  // a document may speak of a flag, it sets none
    if (!file.path.starts_with("sanitizers/") && !is_tidy(file) && !is_document(file) &&
        !is_data(file))
      find_lines(file.path, file.lines, kFlag, "move the flag into sanitizers/", problems);
  return problems;
}

Problems check_private_paths(const Tree& tree) {
  static const std::regex kPrivate(R"((^|[\s"'=:(])/(home|root|Users|work|tmp/pw)/)");
  Problems problems;
  for (const File& file : tree)
    if (!is_tidy(file) && !is_data(file))
      find_lines(file.path, file.lines, kPrivate, "use a path relative to the project", problems);
  return problems;
}

}  // namespace tidy
