// JUnit XML as GitLab, Jenkins and GitHub read it: failure is a finding that counts, error a fault
// of the harness, skipped says why one does not count. Control bytes, which XML 1.0 has no way to
// write, become escapes.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "reports/render/bytes.h"
#include "reports/render/conducted.h"
#include "reports/render/forms.h"

namespace pipewrench {
namespace {

constexpr std::size_t kLongestName = 300;
constexpr std::size_t kLongestBody = 16 << 10;

std::string attribute(const std::string& hostile) { return xml(one_line(hostile, kLongestName)); }

struct Suite {
  std::string cases{};
  std::size_t tests = 0, failures = 0, errors = 0, skipped = 0;

  void add(const std::string& suite, const std::string& name, const std::string& inside) {
    cases += "    <testcase classname=\"" + attribute(suite) + "\" name=\"" + attribute(name) +
             "\" time=\"0\"" + (inside.empty() ? "/>\n" : ">\n" + inside + "    </testcase>\n");
    ++tests;
  }
  std::string counts() const {
    return " tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(failures) +
           "\" errors=\"" + std::to_string(errors) + "\" skipped=\"" + std::to_string(skipped) +
           '"';
  }
};

// Empty: it counts. What does not is skipped, with the reason.
std::string why_skipped(const FindingRecord& finding) {
  const std::string reason = finding.why.empty() ? "" : ": " + finding.why;
  if (counts(finding)) return "";
  if (finding.note) return "a note, not a finding";
  if (is_settled(finding)) return std::string("marked ") + name(finding.mark) + reason;
  if (!finding.unstable) return "known, first seen in run " + std::to_string(finding.first_run);
  if (finding.occurrences.empty() || finding.occurrences[0].tried == 0) return "unstable";
  return "unstable: it showed " + std::to_string(finding.occurrences[0].repeated) + " of " +
         std::to_string(finding.occurrences[0].tried) + " times";
}

std::string body_of(const FindingRecord& finding) {
  std::string text = finding.cause + '\n';
  if (!finding.replay.empty()) text += "\nAgain: " + finding.replay + '\n';
  for (const Stack& stack : finding.stacks) {
    text += '\n' + stack.title + '\n';
    for (const StackFrame& frame : stack.frames)
      text += "  " + frame.function + ' ' + (frame.file.empty() ? frame.module : frame.file) +
              (frame.line != 0 ? ':' + std::to_string(frame.line) : "") + '\n';
  }
  if (const Artefact* story = artefact(finding, "story"); story != nullptr)
    text += '\n' + story->content;
  return xml(plain_lines(text, kLongestBody));
}

void add(Suite& suite, const FindingRecord& finding) {
  const std::string name = finding.kind + ": " + finding.signature + " [" + finding.id + ']';
  const std::string skipped = why_skipped(finding);
  if (!skipped.empty()) {
    ++suite.skipped;
    return suite.add(finding.target, name,
                     "      <skipped message=\"" + attribute(skipped) + "\"/>\n");
  }
  ++suite.failures;
  suite.add(finding.target, name,
            "      <failure type=\"" + attribute(finding.kind) + "\" message=\"" +
                attribute(std::string(pipewrench::name(finding.standing)) + ": " + finding.cause) +
                "\">" + body_of(finding) + "</failure>\n");
}

// What became of the newest run of each kind.
Suite suite_of(const std::vector<RunRecord>& runs) {
  std::map<std::string, const RunRecord*> newest;
  for (const RunRecord& run : runs) newest[run.what] = &run;
  Suite suite;
  for (const auto& [what, run] : newest) {
    const bool failed = run->outcome.empty() || run->outcome.starts_with("failed");
    suite.errors += failed ? 1 : 0;
    suite.add("pipewrench", "run " + what,
              !failed ? ""
                      : "      <error type=\"harness\" message=\"" +
                            attribute(run->outcome.empty() ? "it was killed" : run->outcome) +
                            "\"/>\n");
  }
  return suite;
}

}  // namespace

Rendered render_junit(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::map<std::string, Suite> suites;
  for (const FindingRecord* finding : *findings) add(suites[finding->target], *finding);
  if (options.finding.empty() && !records.runs.empty())
    suites["pipewrench runs"] = suite_of(records.runs);
  Suite all;
  std::string text;
  for (const auto& [name, suite] : suites) {
    text += "  <testsuite name=\"" + attribute(name) + '"' + suite.counts() + ">\n" + suite.cases +
            "  </testsuite>\n";
    all.tests += suite.tests;
    all.failures += suite.failures;
    all.errors += suite.errors;
    all.skipped += suite.skipped;
  }
  return {{{.text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pipewrench\"" +
                    all.counts() + ">\n" + text + "</testsuites>\n"}}};
}

}  // namespace pipewrench
