// SPDX-License-Identifier: MIT
#include "harness/finding/finding_json.h"

#include <nlohmann/json.hpp>

#include "harness/finding/story.h"

namespace pipewrench {

std::string to_json(const Finding& finding, const std::string& replay) {
  using Json = nlohmann::ordered_json;
  Json plan = Json::array();
  for (const Deviation& deviation : finding.plan) plan.push_back(print(deviation));
  Json json = {{"id", finding.id},
               {"kind", finding.kind},
               {"signature", finding.signature},
               {"peers", finding.peers},
               {"plan", std::move(plan)},
               {"realism", realism_name(finding.realism)},
               {"explanation", finding.explanation},
               {"step", finding.step},
               {"replay", replay}};
  if (finding.note) json["note"] = true;
  if (finding.unstable) json["unstable"] = true;
  if (!finding.is_smallest) json["smallest"] = false;
  if (finding.runs != 0) json["runs"] = finding.runs;
  // Names come from peers: what is no UTF-8 is replaced, not refused.
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace pipewrench
