// The run of one finding for ui.perfetto.dev.
// SPDX-License-Identifier: MIT
#include "harness/finding/perfetto.h"

#include "reports/render/conducted.h"
#include "reports/render/forms.h"

namespace pipewrench {

Rendered render_perfetto(const Records& records, const RenderOptions& options) {
  const auto findings = chosen(records, options);
  if (!findings) return std::unexpected(findings.error());
  std::vector<const FindingRecord*> runs;
  for (const FindingRecord* finding : *findings)
    if (artefact(*finding, "trace") != nullptr) runs.push_back(finding);
  if (runs.empty()) return std::unexpected("there is no finding with a trace");
  if (runs.size() > 1) return std::unexpected("which one? --finding ID");
  const auto run = conducted(*runs[0]);
  if (!run) return std::unexpected("its trace cannot be read");
  return {{{.text = perfetto(run->finding.trace)}}};
}

}  // namespace pipewrench
