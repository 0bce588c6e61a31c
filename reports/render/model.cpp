// SPDX-License-Identifier: MIT
#include "reports/render/model.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "harness/core/printable.h"
#include "reports/triage/kinds.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kAllSteps = 200'000;        // of all findings together
constexpr std::size_t kAllText_bytes = 24 << 20;  // likewise
constexpr std::size_t kShownSource_bytes = 4 << 10;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json json_of(const RunRecord& run) {
  return {{"id", run.id},           {"what", run.what},
          {"commit", run.commit},   {"seed", run.seed},
          {"flags", run.flags},     {"started_ms", run.started_ms},
          {"seconds", run.seconds}, {"executions", run.executions},
          {"outcome", run.outcome}};
}

Json json_of(const Sample& sample) {
  return {{"run", sample.run},
          {"target", sample.target},
          {"engine", sample.engine},
          {"sanitizer", sample.sanitizer},
          {"at_s", sample.at_s},
          {"executions", sample.executions},
          {"per_second", sample.per_second},
          {"edges", sample.edges},
          {"corpus", sample.corpus}};
}

Json json_of(const FindingRecord& finding) {
  const KindRow& row = row_of(finding.kind);
  Json json = {{"id", finding.id},
               {"kind", finding.kind},
               {"what", row.what},
               {"cwe", row.cwe},
               {"severity", row.security_severity},
               {"level", level_of(finding)},
               {"exploitable", row.casr},
               {"standing", name(finding.standing)},
               {"heading", heading(finding)},
               {"mark", name(finding.mark)},
               {"why", finding.why},
               {"target", finding.target},
               {"cause", finding.cause},
               {"signature", finding.signature},
               {"peers", finding.peers},
               {"realism", finding.realism},
               {"replay", finding.replay},
               {"gdb", finding.gdb},
               {"first_run", finding.first_run},
               {"last_run", finding.last_run},
               {"times", finding.times}};
  if (finding.note) json["note"] = true;
  if (finding.unstable) json["unstable"] = true;
  if (finding.occurrences.empty()) return json;
  const Occurrence& smallest = finding.occurrences[0];
  json["tool"] = smallest.tool;
  json["sanitizer"] = smallest.sanitizer;
  json["size"] = smallest.size;
  json["repeated"] = smallest.repeated;
  json["tried"] = smallest.tried;
  return json;
}

Json json_of(const StackFrame& frame) {
  Json json = {{"function", frame.function}, {"ours", frame.ours}};
  if (!frame.file.empty()) json["file"] = frame.file;
  if (frame.line != 0) json["line"] = frame.line;
  if (frame.column != 0) json["column"] = frame.column;
  if (!frame.module.empty()) json["module"] = frame.module;
  if (frame.offset != 0) json["offset"] = frame.offset;
  if (frame.source.empty()) return json;
  json["source"] = frame.source.substr(0, kShownSource_bytes);
  json["source_line"] = frame.source_line;
  return json;
}

Json json_of(const Stack& stack) {
  Json frames = Json::array();
  for (const StackFrame& frame : stack.frames) frames.push_back(json_of(frame));
  return {{"title", stack.title}, {"frames", std::move(frames)}};
}

Json json_of(const Occurrence& one) {
  return {{"run", one.run},           {"at_ms", one.at_ms},         {"tool", one.tool},
          {"source", one.source},     {"sanitizer", one.sanitizer}, {"size", one.size},
          {"repeated", one.repeated}, {"tried", one.tried}};
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<std::uint8_t>(c);
    text += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return text;
}

// An input as hex digits; a trace is in the timeline; of the rest the beginning.
Json json_of(const Artefact& one, const Bounds& bounds) {
  Json json = {{"role", one.role}, {"name", one.name}, {"hash", one.hash}, {"bytes", one.bytes}};
  if (!one.damage.empty()) {
    json["damage"] = one.damage;
    return json;
  }
  if (one.role == "trace" || one.role == "finding") return json;
  const bool is_input = one.role == "input";
  const std::size_t most = is_input ? bounds.input_bytes : bounds.text_bytes;
  const std::string shown = one.content.substr(0, most);
  json[is_input ? "hex" : "text"] = is_input ? hex(shown) : shown;
  if (one.content.size() > most) json["left_out"] = one.content.size() - most;
  return json;
}

template <class Items>
Json list_of(const Items& items) {
  Json list = Json::array();
  for (const auto& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

Bounds bounds_for(std::size_t findings) {
  const Bounds most;
  const std::size_t share = std::max<std::size_t>(findings, 1);
  return {.steps = std::clamp<std::size_t>(kAllSteps / share, 60, most.steps),
          .text_bytes = std::clamp<std::size_t>(kAllText_bytes / share, 2048, most.text_bytes),
          .input_bytes = std::clamp<std::size_t>(kAllText_bytes / share, 512, most.input_bytes)};
}

std::string overview_json(const Records& records, std::span<const FindingRecord* const> findings) {
  Json list = Json::array();
  for (const FindingRecord* finding : findings) list.push_back(json_of(*finding));
  return text_of({{"runs", list_of(records.runs)},
                  {"samples", list_of(records.samples)},
                  {"findings", std::move(list)}});
}

std::string details_json(const FindingRecord& finding, const Bounds& bounds) {
  Json json = {{"occurrences", list_of(finding.occurrences)}, {"stacks", list_of(finding.stacks)}};
  Json artefacts = Json::array();
  if (!finding.occurrences.empty())
    for (const Artefact& one : finding.occurrences[0].artefacts)
      artefacts.push_back(json_of(one, bounds));
  json["artefacts"] = std::move(artefacts);
  std::string text = text_of(json);
  if (const auto run = conducted(finding))
    text.insert(text.size() - 1, ",\"timeline\":" + timeline_json(*run, bounds.steps));
  return text;
}

}  // namespace pipewrench
