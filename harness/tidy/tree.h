// The files of the project as the rules see them: path, lines, and the lines without comments and
// text. Reads files only; knows no rule.
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

struct File {
  std::string path;                // from the top: "harness/core/check.h"
  std::vector<std::string> lines;  // as written, without line ends
  std::vector<std::string> code;   // C and C++: comments and the inside of literals blanked
};

using Tree = std::vector<File>;

// What git knows of and does not ignore below root; without git or .git, every file outside of
// build/ and dot folders.
Tree read_tree(const std::filesystem::path& root);

// A file out of thin air, for examples.
File make_file(std::string path, std::string_view text);

bool is_cpp(const File& file);     // C and C++, headers too
bool is_header(const File& file);  // .h
bool is_script(const File& file);  // starts with #!
bool is_test(const File& file);    // x_test.cpp; test_x.h and x_testing.h, which only tests include

// "harness/core" of "harness/core/check.h"; empty at the top level.
std::string folder_of(std::string_view path);
// "check.h" of "harness/core/check.h".
std::string name_of(std::string_view path);

}  // namespace tidy
