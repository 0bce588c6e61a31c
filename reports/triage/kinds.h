// Kinds of findings in the field's terms: the one table of CWE, severity and what each means.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace pipewrench {

struct KindRow {
  const char* kind;
  int cwe;
  double security_severity;  // 0 to 10, as GitHub reads it
  const char* level;         // SARIF's: error warning note
  const char* casr;          // EXPLOITABLE PROBABLY_EXPLOITABLE NOT_EXPLOITABLE
  const char* what;          // one line for people
};

// The row of the first name that `kind` begins with; of what is in no row, the last one.
const KindRow& row_of(const std::string& kind);

}  // namespace pipewrench
