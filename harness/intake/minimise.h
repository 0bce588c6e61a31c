// Minimise: the smallest input that still shows the same. Pure: knows neither programs nor files;
// whether inputs show the same is asked, of many at once, as most do not.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pipewrench {

struct Minimise {
  // Which of them is the first that shows the same; their number: none.
  std::function<std::size_t(const std::vector<std::string>& inputs)> first_same;
  std::size_t unit_bytes = 1;  // of an operation; 1: the input is plain bytes
  std::uint32_t most_tries = 600;
  bool only_drops = false;        // what is left stays as it is
  bool other_operations = false;  // an operation may become one that comes first in their table,
                                  // and two may go at once
};

std::function<std::size_t(const std::vector<std::string>&)> one_by_one(
    std::function<bool(const std::string& input)> shows_same);

// Drops whole operations, runs of them first; then makes what is left plainer: no fault, no flags,
// few clients, small operands. Plain bytes: drops runs, then single ones, then makes them '0'. Ends
// where nothing of this shows the same any more: the result is the same for the same answers.
std::string minimised(std::string input, const Minimise& how);

// Without one or several of its units, but not without all; fewest units first. Of a long one those
// without one, and its beginnings. Then operations with less: no fault, fewer flags, less operand.
std::vector<std::string> parts_of(const std::string& input, std::size_t unit_bytes);
std::vector<std::vector<std::string>> parts_of(const std::vector<std::string>& plan);

// Its last operation left out; then in its place, of every client, the plain ones that come before
// it in their table. Of one or two operations, and of plain bytes: none.
std::vector<std::string> other_ends_of(const std::string& input, std::size_t unit_bytes);

// The lines of a conductor's plan that it needs, earlier and shorter.
std::vector<std::string> smaller_plan(
    std::vector<std::string> plan,
    const std::function<bool(const std::vector<std::string>& plan)>& shows_same);

}  // namespace pipewrench
