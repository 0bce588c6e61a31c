// Hostile bytes made harmless: one line of ASCII that says the same. Pure; knows no terminal.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pipewrench {

// As in a C string literal: \n, \t, \", \\, else \xNN for what is not printable ASCII. At most
// `limit_bytes` of the input are shown; "..." says that there was more.
inline std::string printable(std::string_view bytes, std::size_t limit_bytes = SIZE_MAX) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes.substr(0, limit_bytes)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (c == '"' || c == '\\')
      text += {'\\', c};
    else if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (byte >= 0x20 && byte < 0x7f)
      text += c;
    else
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  if (bytes.size() > limit_bytes) text += "...";
  return text;
}

// Of what is a sentence already, its quoted parts too: only what is not printable ASCII goes.
inline std::string sentence(std::string text) {
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

}  // namespace pipewrench
