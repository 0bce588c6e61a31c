// Items: what a path holds that can be taken in, and which program near it shows it again. Reads
// folders and the begins of files; runs nothing.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace pipewrench {

enum class ItemKind : std::uint8_t { input, log, core, conducted };
struct Item {
  ItemKind kind = ItemKind::input;
  std::string path{};
  std::string tool{};   // libfuzzer afl++ sanitizer core conductor
  std::string claim{};  // what its name says of it: crash leak timeout oom slow-unit hang
  bool operator==(const Item&) const = default;
};

// All that a path holds, in order of name: a file is one item; a folder is a conductor's finding,
// an output of AFL++ or holds such things. Fails with one line that names what is none.
std::expected<std::vector<Item>, std::string> items_at(const std::string& path);

// Programs for an item: those of that target beside it and above, as fuzz_, replay_ and afl_; where
// several targets are there, the one that the log names. Never what a log names by its path.
std::vector<std::string> programs_near(const Item& item, const std::string& log);
// The same target in other builds: BUILD/../*/replay_NAME; and what decodes its inputs.
std::vector<std::string> siblings_of(const std::string& program);
std::string decoder_of(const std::string& program);

std::expected<std::string, std::string> content_of(const std::string& path, std::size_t most_bytes);

inline constexpr std::size_t kMostItems = 100'000;
inline constexpr std::size_t kMostInput_bytes = std::size_t{1} << 20;

}  // namespace pipewrench
