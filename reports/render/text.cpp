// For a terminal: what is new first, each finding in a few lines. Printable whatever peers wrote.
// SPDX-License-Identifier: MIT
#include "reports/render/bytes.h"
#include "reports/render/forms.h"

namespace pipewrench {
namespace {

constexpr std::size_t kLongest = 400;  // bytes of a cause or a command

std::string counts(const std::vector<const FindingRecord*>& findings) {
  std::string text;
  for (const auto& [heading, number] : counted(findings))
    text += (text.empty() ? "" : ", ") + std::to_string(number) + ' ' + heading;
  return text.empty() ? "no findings" : text;
}

std::string lines_of(const FindingRecord& finding) {
  std::string text = std::string(heading(finding)) + ": " +
                     one_line(finding.cause.empty() ? finding.signature : finding.cause, kLongest);
  text += "\n  " + one_line(finding.id) + "  " + one_line(finding.kind) + " in " +
          one_line(finding.target, kLongest) + ", " + std::to_string(finding.times) +
          (finding.times == 1 ? " time" : " times") + '\n';
  const auto add = [&](const char* what, const std::string& value) {
    if (!value.empty()) text += std::string("  ") + what + one_line(value, kLongest) + '\n';
  };
  add("again:  ", finding.replay);
  add("gdb:    ", finding.gdb);
  add("why:    ", finding.why);
  for (const StackFrame& frame :
       finding.stacks.empty() ? std::vector<StackFrame>() : finding.stacks[0].frames) {
    if (!frame.ours) continue;
    add("at:     ", frame.function + ' ' + frame.file +
                        (frame.line != 0 ? ':' + std::to_string(frame.line) : ""));
    break;
  }
  return text;
}

}  // namespace

Rendered render_text(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::string text;
  for (const FindingRecord* finding : *findings) text += lines_of(*finding) + '\n';
  return {{{.text = text + counts(*findings) + '\n'}}};
}

}  // namespace pipewrench
