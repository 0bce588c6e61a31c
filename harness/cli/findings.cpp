// pipewrench findings: what the store holds, and what people say of it.
// SPDX-License-Identifier: MIT
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "harness/cli/commands.h"
#include "harness/cli/record.h"
#include "harness/core/check.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

Ink ink_of(const FindingRecord& finding) {
  if (counts(finding)) return Ink::red;
  return is_settled(finding) ? Ink::green : Ink::yellow;
}

std::string json_of(const FindingRecord& finding) {
  Json json = {{"id", finding.id},
               {"standing", name(finding.standing)},
               {"kind", finding.kind},
               {"target", finding.target},
               {"signature", finding.signature},
               {"cause", finding.cause},
               {"peers", finding.peers},
               {"times", finding.times},
               {"first_run", finding.first_run},
               {"last_run", finding.last_run},
               {"note", finding.note},
               {"unstable", finding.unstable},
               {"mark", name(finding.mark)},
               {"why", finding.why},
               {"replay", finding.replay}};
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Exit list(const Arguments& arguments, const Records& records) {
  bool found = false;
  for (const FindingRecord& finding : records.findings) {
    if (finding.note && !arguments.strict) continue;
    found |= counts(finding);
    if (arguments.json) {
      fmt::print("{}\n", json_of(finding));
      continue;
    }
    fmt::print("{}  {} {:<14} {}: {}\n", finding.id,
               paint(arguments, ink_of(finding), fmt::format("{:<9}", heading(finding))),
               plain(finding.kind), plain(finding.target), plain(finding.cause));
  }
  const auto notes = std::ranges::count_if(records.findings, &FindingRecord::note);
  if (!arguments.json)
    fmt::print("{} findings, {} notes{}{}\n",
               records.findings.size() - static_cast<std::size_t>(notes), notes,
               notes > 0 && !arguments.strict ? " (--strict lists them)" : "",
               records.runs.size() > 1 ? fmt::format(", of {} runs", records.runs.size()) : "");
  return found ? Exit::findings : Exit::nothing;
}

// A finding's directory, KIND-ID, is its name too.
std::string id_in(const std::string& subject) {
  const std::string name = std::filesystem::path(subject + "/").parent_path().filename();
  return name.substr(name.rfind('-') + 1);
}

Exit show(const Arguments& arguments, const FindingStore& store, const FindingRecord& finding) {
  if (arguments.json) {
    fmt::print("{}\n", json_of(finding));
    return Exit::nothing;
  }
  fmt::print("{}  {}\n{}: {}\n\n", finding.id, paint(arguments, ink_of(finding), heading(finding)),
             plain(finding.kind), plain(finding.cause));
  if (!finding.why.empty()) fmt::print("marked {}: {}\n", name(finding.mark), plain(finding.why));
  fmt::print("target {}, seen {} times, in run {} first and in run {} last\n",
             plain(finding.target), finding.times, finding.first_run, finding.last_run);
  fmt::print("signature: {}\n", plain(finding.signature));
  if (!finding.replay.empty()) fmt::print("again: {}\n", plain(finding.replay));
  for (const Stack& stack : finding.stacks) {
    fmt::print("\n{}\n", plain(stack.title));
    for (const StackFrame& frame : stack.frames)
      fmt::print("  {} {} {}:{}\n", frame.ours ? '>' : ' ', plain(frame.function),
                 plain(frame.file.empty() ? frame.module : frame.file), frame.line);
  }
  if (finding.occurrences.empty()) return Exit::nothing;
  for (const Artefact& artefact : finding.occurrences.front().artefacts)
    if (artefact.role == "story") fmt::print("\n{}\n", plain(store.content(artefact).value_or("")));
  return Exit::nothing;
}

Exit mark(const Arguments& arguments, FindingStore& store) {
  if (arguments.why.empty() && arguments.mark != Mark::open)
    return complain(Exit::usage, "findings mark: say --why, in a few words");
  const auto id =
      store.mark(id_in(arguments.subject), arguments.mark, arguments.why, wall_clock_ms());
  if (!id) return complain(id.error());
  fmt::print("{} is {}\n", *id, name(arguments.mark));
  return Exit::nothing;
}

}  // namespace

Exit findings_command(const Arguments& arguments) {
  auto store = FindingStore::open(arguments.out, FindingStore::Missing::is_an_error);
  if (!store) return complain(store.error());
  if (arguments.action == Action::mark) return mark(arguments, *store);
  // Before the rest is read: a finding is added by others, but never removed.
  std::string id;
  if (arguments.action != Action::list) {
    auto whole = store->id_of(id_in(arguments.subject));
    if (!whole) return complain(whole.error());
    id = std::move(*whole);
  }
  const auto records = store->read(FindingStore::Contents::are_left);
  if (!records) return complain(records.error());
  if (arguments.action == Action::list) return list(arguments, *records);
  const auto chosen = std::ranges::find(records->findings, id, &FindingRecord::id);
  CHECK(chosen != records->findings.end());
  return show(arguments, *store, *chosen);
}

}  // namespace pipewrench
