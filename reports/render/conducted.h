// A finding of the conductor, read back from its artefacts: what pictures of its run are made of.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/finding/finding.h"
#include "reports/store/records.h"

namespace pipewrench {

struct Conducted {
  Finding finding{};  // with its trace
  Scenario scenario{};
  std::vector<std::uint32_t> relevant{};  // steps that tell the story
};

// Nothing where there is no trace, or none that can be read.
std::optional<Conducted> conducted(const FindingRecord& record);

// The first artefact of this role of the smallest occurrence that could be read back; or nullptr.
const Artefact* artefact(const FindingRecord& record, const std::string& role);

}  // namespace pipewrench
