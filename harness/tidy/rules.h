// The house rules that a machine can check, one function each: pure, (tree) -> what is wrong where.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/tidy/tree.h"

namespace tidy {

struct Problem {
  std::string path;
  std::size_t line = 0;  // from 1; 0: the file as a whole
  std::string remedy;
};
using Problems = std::vector<Problem>;

// Includes follow the table in layers.cpp; what is not listed there is forbidden.
Problems check_layers(const Tree& tree);
// The top level holds only what the design names.
Problems check_top_level(const Tree& tree);
// No sleeping to wait, no notes to self, no std::cout in libraries, no using namespace std.
Problems check_words(const Tree& tree);
// File, header, function and line lengths.
Problems check_lengths(const Tree& tree);
// A file opens with what it is, then its licence; a header says #pragma once.
Problems check_openings(const Tree& tree);
// Each folder explains its rule in a README.md.
Problems check_readmes(const Tree& tree);
// snake_case file names; kebab-case for data named after its reason.
Problems check_names(const Tree& tree);
// Flags of sanitizers and coverage, and their option strings, stand in sanitizers/ only.
Problems check_sanitizer_flags(const Tree& tree);
// No path that exists only on its author's machine.
Problems check_private_paths(const Tree& tree);

}  // namespace tidy
