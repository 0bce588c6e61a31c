// Everything as one JSON object, for scripts: README.md describes it.
// SPDX-License-Identifier: MIT
#include "reports/render/forms.h"
#include "reports/render/model.h"

namespace pipewrench {

Rendered render_json(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::string text = "{\"pipewrench_report\":1,\n\"overview\":" + overview_json(records, *findings);
  text += ",\n\"details\":{";
  const char* comma = "\n";
  for (const FindingRecord* finding : *findings) {
    text += comma + ('"' + finding->id + "\":") + details_json(*finding, Bounds());
    comma = ",\n";
  }
  return {{{.text = text + "}}\n"}}};
}

}  // namespace pipewrench
