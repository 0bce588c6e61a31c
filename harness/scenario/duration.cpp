// SPDX-License-Identifier: MIT
#include "harness/scenario/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace pipewrench {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t time_ns;
};
constexpr std::array kUnits = {
    Unit{"h", 3'600'000'000'000}, Unit{"min", 60'000'000'000}, Unit{"s", 1'000'000'000},
    Unit{"ms", 1'000'000},        Unit{"us", 1'000},           Unit{"ns", 1}};

}  // namespace

std::uint64_t parse_duration(std::string_view text) {
  std::uint64_t count = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc()) return 0;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  const auto* unit = std::ranges::find(kUnits, text, &Unit::name);
  if (unit == kUnits.end() || count > kMaxDurationNs / unit->time_ns) return 0;
  return count * unit->time_ns;
}

std::string print_duration(std::uint64_t time_ns) {
  const auto* unit = std::ranges::find_if(
      kUnits, [&](const Unit& candidate) { return time_ns % candidate.time_ns == 0; });
  return std::to_string(time_ns / unit->time_ns) + std::string(unit->name);
}

}  // namespace pipewrench
