// GitHub Actions: annotations for standard output, and a step summary in Markdown. GitHub shows ten
// annotations of each level of a step and a MiB of summary.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cctype>
#include <map>

#include "reports/render/bytes.h"
#include "reports/render/forms.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

constexpr std::size_t kMostOfLevel = 10;
constexpr std::size_t kMostRows = 200;
constexpr std::size_t kLongest = 300;  // bytes

// Of a workflow command; `kept` are those of , and : that may stay.
std::string command_text(const std::string& hostile, bool is_property) {
  std::string text;
  for (const char c : one_line(hostile, kLongest)) {
    if (c == '%')
      text += "%25";
    else if (is_property && c == ':')
      text += "%3A";
    else if (is_property && c == ',')
      text += "%2C";
    else
      text += c;
  }
  return text;
}

// Characters that could mean something become entities, which never do.
std::string markdown(const std::string& hostile) {
  std::string text;
  for (const char c : one_line(hostile, kLongest)) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == ' ' || c == ',')
      text += c;
    else
      text += "&#" + std::to_string(static_cast<unsigned char>(c)) + ';';
  }
  return text;
}

const char* annotation_level(const FindingRecord& finding) {
  if (counts(finding)) return "error";
  return finding.note || is_settled(finding) ? "notice" : "warning";
}

std::string annotation(const FindingRecord& finding) {
  std::string text = std::string("::") + annotation_level(finding) +
                     " title=" + command_text(finding.kind + " in " + finding.target, true);
  if (const StackFrame* frame = own_source(finding); frame != nullptr) {
    text += ",file=" + command_text(frame->file, true);
    if (frame->line != 0) text += ",line=" + std::to_string(frame->line);
  }
  return text + "::" + command_text(finding.cause, false) +
         (finding.replay.empty() ? "" : "%0AAgain: " + command_text(finding.replay, false)) + '\n';
}

std::string summary(const std::vector<const FindingRecord*>& findings) {
  std::string text = "## Pipewrench\n\n";
  for (const auto& [heading, number] : counted(findings))
    text += "**" + std::to_string(number) + "** " + heading + "  \n";
  if (findings.empty()) return text + "No findings.\n";
  text += "\n| | kind | target | cause | CWE | seen |\n|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < std::min(findings.size(), kMostRows); ++i) {
    const FindingRecord& one = *findings[i];
    text += std::string("| ") + heading(one) + " | " + markdown(one.kind) + " | " +
            markdown(one.target) + " | " + markdown(one.cause) + " | " +
            std::to_string(row_of(one.kind).cwe) + " | " + std::to_string(one.times) + " |\n";
  }
  if (findings.size() > kMostRows)
    text += "\nand " + std::to_string(findings.size() - kMostRows) + " more.\n";
  return text;
}

}  // namespace

Rendered render_github(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::map<std::string, std::size_t> count;
  std::string annotations;
  for (const FindingRecord* finding : *findings) {
    if (finding->standing == Standing::fixed || finding->standing == Standing::ignored) continue;
    if (++count[annotation_level(*finding)] <= kMostOfLevel) annotations += annotation(*finding);
  }
  return {{{.name = "annotations.txt", .text = annotations},
           {.name = "summary.md", .text = summary(*findings)}}};
}

}  // namespace pipewrench
