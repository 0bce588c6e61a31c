// SPDX-License-Identifier: MIT
#include "reports/render/render.h"

#include <algorithm>
#include <array>

#include "harness/core/printable.h"
#include "reports/render/forms.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

constexpr auto kRenderers = std::to_array<Renderer>({
    {"text", render_text, "for a terminal: each finding in a few lines", false},
    {"html", render_html, "one page that opens from disk, with a timeline of all peers", false},
    {"sarif", render_sarif, "SARIF 2.1.0, for code scanning", false},
    {"junit", render_junit, "JUnit XML, for GitLab, Jenkins and GitHub", false},
    {"casrep", render_casrep, "CASR's JSON, a file a finding", true},
    {"github", render_github, "annotations and a step summary for GitHub Actions", true},
    {"json", render_json, "everything, for scripts", false},
    {"perfetto", render_perfetto, "the run of one finding for ui.perfetto.dev", false},
});

constexpr std::size_t kShown = 60;  // bytes of a wrong id

}  // namespace

std::span<const Renderer> renderers() { return kRenderers; }

std::expected<std::vector<const FindingRecord*>, std::string> chosen(const Records& records,
                                                                     const RenderOptions& options) {
  std::vector<const FindingRecord*> found;
  for (const FindingRecord& finding : records.findings)
    if (finding.id.starts_with(options.finding)) found.push_back(&finding);
  if (options.finding.empty()) return found;
  if (found.empty())
    return std::unexpected("no finding \"" + printable(options.finding, kShown) + "\"");
  if (found.size() > 1)
    return std::unexpected("more than one finding begins with \"" +
                           printable(options.finding, kShown) + "\"");
  return found;
}

std::vector<std::pair<std::string, std::size_t>> counted(
    const std::vector<const FindingRecord*>& findings) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const std::string heading :
       {"new", "regressed", "unstable", "known", "fixed", "ignored", "note"}) {
    const auto count = std::ranges::count_if(
        findings, [&](const FindingRecord* one) { return pipewrench::heading(*one) == heading; });
    if (count == 0) continue;
    counts.emplace_back(heading == "note" && count > 1 ? "notes" : heading,
                        static_cast<std::size_t>(count));
  }
  return counts;
}

const char* level_of(const FindingRecord& finding) {
  return finding.note || finding.unstable ? "note" : row_of(finding.kind).level;
}

}  // namespace pipewrench
