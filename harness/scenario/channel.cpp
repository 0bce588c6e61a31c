// SPDX-License-Identifier: MIT
#include "harness/scenario/channel.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace pipewrench {
namespace {

constexpr std::array<std::string_view, 3> kKinds = {"pipe", "fifo", "queue"};
constexpr std::string_view kHere = "./";

struct Channel {
  std::string_view kind;  // "" of a bare path
  std::string_view name;  // "" for all of the kind
};

Channel split(std::string_view text) {
  if (text.starts_with('/') || text.starts_with(kHere)) return {"", text};
  const std::size_t end = std::min(text.find_first_of(" #"), text.size());
  std::string_view name = text.substr(end);
  if (name.starts_with(' ')) name.remove_prefix(1);
  return {text.substr(0, end), name};
}

template <typename T>
std::optional<T> number(std::string_view text, std::string_view prefix, int base) {
  T value{};
  if (!text.starts_with(prefix)) return {};
  text.remove_prefix(prefix.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<std::uint32_t> key_in(std::string_view name) {
  return number<std::uint32_t>(name, "0x", 16);
}

std::string_view below_here(std::string_view path) {
  return path.starts_with(kHere) ? path.substr(kHere.size()) : path;
}

}  // namespace

bool is_channel(std::string_view text) {
  const Channel channel = split(text);
  if (channel.kind.empty()) return channel.name.size() > kHere.size();
  if (std::ranges::find(kKinds, channel.kind) == kKinds.end()) return false;
  if (channel.kind.size() == text.size()) return true;
  if (number<std::uint32_t>(channel.name, "#", 10)) return channel.kind != "fifo";
  if (channel.kind == "fifo") return !channel.name.empty();
  return channel.kind == "queue" && key_in(channel.name).has_value();
}

bool is_of_channel(std::string_view object, std::string_view channel) {
  const Channel wanted = split(channel), is = split(object);
  if (wanted.kind.empty())
    return is.kind == "fifo" && below_here(is.name) == below_here(wanted.name);
  if (is.kind != wanted.kind) return false;
  if (wanted.name.empty() || is.name == wanted.name) return true;
  if (const auto key = key_in(wanted.name); key && is.kind == "queue")
    return key_in(is.name) == key;
  return is.kind == "fifo" && below_here(is.name) == below_here(wanted.name);
}

}  // namespace pipewrench
