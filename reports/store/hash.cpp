// Hashes: the one file that compiles xxHash's code into itself. Must not be used for secrets.
// SPDX-License-Identifier: MIT
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstdio>

#include "reports/store/store.h"

namespace pipewrench {

std::string content_hash(const std::string& content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  std::array<char, 33> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return digits.data();
}

std::string finding_id(const FindingRecord& finding) {
  // A byte that no name holds keeps the parts apart.
  return content_hash(finding.target + '\0' + finding.kind + '\0' + finding.signature)
      .substr(0, 12);
}

}  // namespace pipewrench
