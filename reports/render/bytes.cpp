// SPDX-License-Identifier: MIT
#include "reports/render/bytes.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace pipewrench {
namespace {

std::string escaped(std::string_view bytes, std::size_t most_bytes, std::string_view kept) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, most_bytes)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte >= 0x20 && byte < 0x7f) || kept.find(c) != std::string_view::npos)
      text += c;
    else if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  if (bytes.size() > most_bytes) text += "...";
  return text;
}

}  // namespace

std::string one_line(std::string_view bytes, std::size_t most_bytes) {
  return escaped(bytes, most_bytes, "");
}

std::string plain_lines(std::string_view bytes, std::size_t most_bytes) {
  return escaped(bytes, most_bytes, "\n\t");
}

std::string xml(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    switch (c) {
      case '&':
        text += "&amp;";
        break;
      case '<':
        text += "&lt;";
        break;
      case '>':
        text += "&gt;";
        break;
      case '"':
        text += "&quot;";
        break;
      case '\'':
        text += "&#39;";
        break;
      default:
        text += c;
    }
  }
  return text;
}

std::string utc(std::int64_t at_ms) {
  const std::time_t seconds = at_ms / 1000;
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "";
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

}  // namespace pipewrench
