// One page that opens from disk: markup, style, scripts and data in one file, nothing from outside.
// The page's policy names its scripts and styles by hash, so that nothing else ever runs.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>

#include "harness/core/printable.h"
#include "reports/render/assets.h"
#include "reports/render/forms.h"
#include "reports/render/model.h"

namespace pipewrench {
namespace {

// As a policy wants a hash: base64 of the bytes that `hex` spells.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto value = [](char c) {
    return static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  std::string text;
  std::uint32_t bits = 0;
  std::uint32_t held = 0;  // bits that are no digit yet
  for (const char c : hex) {
    bits = bits << 4 | value(c);
    held += 4;
    if (held >= 6) text += kDigits[bits >> (held -= 6) & 63];
  }
  if (held != 0) text += kDigits[bits << (6 - held) & 63];
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

// JSON in a script element: nothing in it may end the element or open a comment. It is ASCII, so
// U+2028 is escaped already.
std::string safe_json(const std::string& json) {
  std::string text;
  text.reserve(json.size());
  for (const char c : json) {
    if (c == '<')
      text += "\\u003c";
    else if (c == '>')
      text += "\\u003e";
    else if (c == '&')
      text += "\\u0026";
    else
      text += c;
  }
  return text;
}

struct Embedded {
  std::string elements, hashes;
};
Embedded embedded(std::span<const Asset> assets, const std::string& element, bool has_charts) {
  Embedded all;
  for (const Asset& asset : assets) {
    if (asset.for_charts && !has_charts) continue;
    all.elements += "<" + element + ">" + asset.text + "</" + element + ">\n";
    all.hashes += " 'sha256-" + base64_of_hex(asset.sha256) + "'";
  }
  return all;
}

// What the template calls {{name}}.
struct Hole {
  std::string_view name;
  const std::string& text;
};

// One pass: what is filled in is not looked at again.
std::string filled(std::string_view page, std::span<const Hole> holes) {
  std::string text;
  while (!page.empty()) {
    const std::size_t open = std::min(page.find("{{"), page.size());
    text += page.substr(0, open);
    page.remove_prefix(open);
    const std::size_t close = page.find("}}");
    if (close == std::string_view::npos) break;
    for (const Hole& hole : holes)
      if (hole.name == page.substr(2, close - 2)) text += hole.text;
    page.remove_prefix(close + 2);
  }
  return text;
}

}  // namespace

Rendered render_html(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  const bool has_charts = !records.samples.empty();
  const Embedded styles = embedded(kStyles, "style", has_charts);
  const Embedded scripts = embedded(kScripts, "script", has_charts);
  const std::string policy = "default-src 'none'; script-src" + scripts.hashes + "; style-src" +
                             styles.hashes + "; base-uri 'none'; form-action 'none'";
  const std::string overview = safe_json(overview_json(records, *findings));
  const Bounds bounds = bounds_for(findings->size());
  std::string details;
  for (const FindingRecord* finding : *findings)
    details += "<script type=\"application/json\" data-finding=\"" + safe_json(finding->id) +
               "\">" + safe_json(details_json(*finding, bounds)) + "</script>\n";
  const Hole holes[] = {{"csp", policy},
                        {"styles", styles.elements},
                        {"overview", overview},
                        {"details", details},
                        {"scripts", scripts.elements}};
  return {{{.text = filled(kPage, holes)}}};
}

}  // namespace pipewrench
