// CASR's report: the JSON that casr-cli shows and casr-cluster groups. One file a finding.
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/core/printable.h"
#include "reports/render/bytes.h"
#include "reports/render/conducted.h"
#include "reports/render/forms.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLongestLog_bytes = 64 << 10;

std::string place_of(const StackFrame& frame) {
  std::string place = frame.file;
  if (frame.line != 0) place += ':' + std::to_string(frame.line);
  if (frame.line != 0 && frame.column != 0) place += ':' + std::to_string(frame.column);
  return place;
}

// As a sanitizer prints it: "    #0 0x0 in parse parse.c:12:3".
Json stack_of(const FindingRecord& finding) {
  Json lines = Json::array();
  if (finding.stacks.empty()) return lines;
  for (const StackFrame& frame : finding.stacks[0].frames) {
    char offset[24];
    std::snprintf(offset, sizeof offset, "%#llx", static_cast<unsigned long long>(frame.offset));
    lines.push_back(one_line("    #" + std::to_string(lines.size()) + " 0x" +
                             (frame.offset == 0 ? "0" : offset + 2) + " in " + frame.function +
                             ' ' +
                             (frame.file.empty() ? '(' + frame.module + ')' : place_of(frame))));
  }
  return lines;
}

Json lines_of(const Artefact* log) {
  Json lines = Json::array();
  if (log == nullptr) return lines;
  std::string text = plain_lines(log->content, kLongestLog_bytes);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Json report_of(const FindingRecord& finding) {
  const KindRow& row = row_of(finding.kind);
  static const Occurrence kNone;
  const Occurrence& smallest = finding.occurrences.empty() ? kNone : finding.occurrences[0];
  std::string crash_line;
  Json source = Json::array();
  if (!finding.stacks.empty())
    for (const StackFrame& frame : finding.stacks[0].frames) {
      if (!frame.ours) continue;
      crash_line = one_line(place_of(frame));
      const Artefact lines{.content = frame.source};
      source = lines_of(&lines);
      break;
    }
  const bool is_ubsan = smallest.sanitizer == "ubsan";
  const Json log = lines_of(artefact(finding, "log"));
  return {{"Date", utc(smallest.at_ms)},
          {"Uname", ""},
          {"OS", "Linux"},
          {"OSRelease", ""},
          {"Architecture", ""},
          {"ExecutablePath", one_line(finding.target)},
          {"ProcEnviron", Json::array()},
          {"ProcCmdline", one_line(finding.replay)},
          {"Stdin", ""},
          {"ProcStatus", ""},
          {"ProcMaps", Json::array()},
          {"ProcFiles", Json::array()},
          {"NetworkConnections", Json::array()},
          {"CrashSeverity",
           {{"Type", row.casr},
            {"ShortDescription", one_line(finding.kind)},
            {"Description", row.what},
            {"Explanation", one_line(finding.cause)}}},
          {"Stacktrace", stack_of(finding)},
          {"Registers", Json::object()},
          {"Disassembly", Json::array()},
          {"Package", ""},
          {"PackageVersion", ""},
          {"PackageArchitecture", ""},
          {"PackageDescription", ""},
          {"AsanReport", is_ubsan ? Json::array() : log},
          {"UbsanReport", is_ubsan ? log : Json::array()},
          {"CrashLine", crash_line},
          {"Source", source}};
}

// The id of the store is hex digits; of what is none, no name of a file is made.
std::string file_name(const FindingRecord& finding) {
  std::string name = finding.kind + '-' + finding.id;
  for (char& c : name)
    if (std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
            .find(c) == std::string_view::npos)
      c = '_';
  return name + ".casrep";
}

}  // namespace

Rendered render_casrep(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::vector<RenderedFile> files;
  for (const FindingRecord* finding : *findings)
    files.push_back(
        {.name = file_name(*finding),
         .text = report_of(*finding).dump(2, ' ', true, Json::error_handler_t::replace) + "\n"});
  return files;
}

}  // namespace pipewrench
