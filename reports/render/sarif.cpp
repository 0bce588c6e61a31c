// SARIF 2.1.0: a rule a kind, a result a finding, a threadFlow a peer. ASCII, as all that is JSON
// here.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/finding/ladder.h"
#include "reports/render/bytes.h"
#include "reports/render/conducted.h"
#include "reports/render/forms.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";
constexpr std::size_t kLongest = 1'000;  // bytes of a message

Json message(const std::string& hostile) {
  const std::string text = one_line(hostile, kLongest);
  return {{"text", text.empty() ? "-" : text}};
}

Json logical(const std::string& name, const char* kind) {
  return {{"fullyQualifiedName", name}, {"kind", kind}};
}

// A path, or any text: a relative reference, or file: which readers turn into a path of their
// checkout.
std::string uri(const std::string& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("/._-~").find(c) != std::string_view::npos)
      text += c;
    else
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  if (text.empty()) return "unknown";
  return text.starts_with('/') ? "file://" + text : text;
}

Json location_of(const StackFrame& frame) {
  Json location = Json::object();
  if (!frame.file.empty()) {
    location["physicalLocation"]["artifactLocation"]["uri"] = uri(frame.file);
    if (frame.line != 0) {
      Json region = {{"startLine", frame.line}};
      if (frame.column != 0) region["startColumn"] = frame.column;
      location["physicalLocation"]["region"] = std::move(region);
    }
  }
  if (!frame.function.empty())
    location["logicalLocations"] =
        Json::array({logical(one_line(frame.function, kLongest), "function")});
  return location;
}

// A reader such as GitHub shows only what has a file: of a run, that is what was given to the
// conductor.
Json locations_of(const FindingRecord& finding) {
  if (const StackFrame* frame = own_source(finding); frame != nullptr)
    return Json::array({location_of(*frame)});
  std::string file = finding.target;
  if (!finding.occurrences.empty() && !finding.occurrences[0].source.empty())
    file = finding.occurrences[0].source;
  Json location = {{"physicalLocation", {{"artifactLocation", {{"uri", uri(file)}}}}}};
  for (const std::string& peer : finding.peers)
    location["logicalLocations"].push_back(logical(one_line(peer, kLongest), "process"));
  return Json::array({std::move(location)});
}

Json stacks_of(const FindingRecord& finding) {
  Json stacks = Json::array();
  for (const Stack& stack : finding.stacks) {
    Json frames = Json::array();
    for (const StackFrame& frame : stack.frames) {
      Json one = {{"location", location_of(frame)}};
      if (!frame.module.empty()) one["module"] = one_line(frame.module, kLongest);
      frames.push_back(std::move(one));
    }
    stacks.push_back({{"message", message(stack.title)}, {"frames", std::move(frames)}});
  }
  return stacks;
}

// The steps that tell the story, of each peer its own, numbered across all of them.
Json flows_of(const Conducted& run) {
  const Trace& trace = run.finding.trace;
  std::map<std::uint32_t, Json> flows;  // by peer
  for (const std::uint32_t i : run.relevant) {
    if (i >= trace.steps.size() || trace.steps[i].task >= trace.tasks.size()) continue;
    const Step& step = trace.steps[i];
    const Task& task = trace.tasks[step.task];
    const std::string name = one_line(task.name, kLongest);
    Json& flow = flows[task.peer];
    if (flow.is_null()) flow = {{"id", name}, {"locations", Json::array()}};
    const bool is_essential = i == run.finding.step || (step.flags & kInjected) != 0;
    flow["locations"].push_back({{"location",
                                  {{"message", message(step_text(trace, step))},
                                   {"logicalLocations", Json::array({logical(name, "process")})}}},
                                 {"executionOrder", i + 1},
                                 {"importance", is_essential ? "essential" : "important"}});
  }
  Json list = Json::array();
  for (auto& [peer, flow] : flows) list.push_back(std::move(flow));
  if (list.empty()) return list;
  return {
      {{"message", {{"text", "what each peer does, in order"}}}, {"threadFlows", std::move(list)}}};
}

Json attachments_of(const FindingRecord& finding) {
  Json list = Json::array();
  if (finding.occurrences.empty()) return list;
  for (const Artefact& one : finding.occurrences[0].artefacts)
    if (one.hash.size() > 2)
      list.push_back(
          {{"description", message(one.role + ' ' + one.name)},
           {"artifactLocation",
            {{"uri", "artefacts/" + uri(one.hash.substr(0, 2)) + '/' + uri(one.hash.substr(2))},
             {"uriBaseId", "STORE"}}}});
  return list;
}

Json result_of(const FindingRecord& finding, std::size_t rule) {
  Json result = {{"ruleId", one_line(finding.kind)},
                 {"ruleIndex", rule},
                 {"level", level_of(finding)},
                 {"message", message(finding.cause.empty() ? finding.signature : finding.cause)},
                 {"locations", locations_of(finding)},
                 {"partialFingerprints", {{"pipewrenchFinding/v1", one_line(finding.id)}}},
                 {"occurrenceCount", std::max<std::uint64_t>(finding.times, 1)}};
  if (Json stacks = stacks_of(finding); !stacks.empty()) result["stacks"] = std::move(stacks);
  if (const auto run = conducted(finding))
    if (Json flows = flows_of(*run); !flows.empty()) result["codeFlows"] = std::move(flows);
  if (Json list = attachments_of(finding); !list.empty()) result["attachments"] = std::move(list);
  if (finding.mark == Mark::ignored) {
    Json one = {{"kind", "external"}, {"justification", one_line(finding.why)}};
    result["suppressions"] = Json::array({std::move(one)});
  }
  result["properties"] = {{"standing", name(finding.standing)},
                          {"target", one_line(finding.target)},
                          {"signature", one_line(finding.signature, kLongest)},
                          {"replay", one_line(finding.replay, kLongest)},
                          {"unstable", finding.unstable}};
  return result;
}

Json rule_of(const std::string& kind) {
  const KindRow& row = row_of(kind);
  const std::string cwe = std::to_string(row.cwe);
  char severity[16];
  std::snprintf(severity, sizeof severity, "%.1f", row.security_severity);
  return {{"id", one_line(kind)},
          {"shortDescription", {{"text", row.what}}},
          {"helpUri", "https://cwe.mitre.org/data/definitions/" + cwe + ".html"},
          {"defaultConfiguration", {{"level", row.level}}},
          {"properties",
           {{"tags", Json::array({"security", "external/cwe/cwe-" + cwe})},
            {"security-severity", severity},
            {"precision", "very-high"}}}};
}

}  // namespace

Rendered render_sarif(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::map<std::string, std::size_t> indices;
  Json rules = Json::array();
  Json results = Json::array();
  for (const FindingRecord* finding : *findings) {
    if (finding->standing == Standing::fixed) continue;
    const auto [rule, is_first] = indices.try_emplace(finding->kind, rules.size());
    if (is_first) rules.push_back(rule_of(finding->kind));
    results.push_back(result_of(*finding, rule->second));
  }
  std::string category = "pipewrench/";
  if (!records.runs.empty())
    category += one_line(records.runs.back().what) + '/' + std::to_string(records.runs.back().id);
  const Json driver = {{"name", "Pipewrench"}, {"rules", std::move(rules)}};
  const Json run = {
      {"tool", {{"driver", driver}}},
      {"automationDetails", {{"id", category}}},
      {"originalUriBaseIds",
       {{"STORE", {{"description", {{"text", "the folder that holds findings.db"}}}}}}},
      {"columnKind", "utf16CodeUnits"},
      {"results", std::move(results)}};
  const Json log = {{"$schema", kSchema}, {"version", "2.1.0"}, {"runs", Json::array({run})}};
  return {{{.text = log.dump(1, ' ', true, Json::error_handler_t::replace) + "\n"}}};
}

}  // namespace pipewrench
