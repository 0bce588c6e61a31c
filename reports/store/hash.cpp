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

std::string finding_id(const std::string& target, const std::string& kind,
                       const std::string& signature) {
  // A byte that no name holds keeps the parts apart.
  return content_hash(target + '\0' + kind + '\0' + signature).substr(0, 12);
}

std::string finding_id(const FindingRecord& finding) {
  return finding_id(finding.target, finding.kind, finding.signature);
}

}  // namespace pipewrench
