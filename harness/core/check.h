// CHECK: a broken promise of the programmer ends the process, in every build. Not for expected
// failures.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdio>
#include <cstdlib>

namespace pipewrench {

// Aborts rather than exits: a fuzzing engine must see a crash (an exit() would look like success to
// AFL++).
[[noreturn]] inline void check_failed(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, what);
  std::abort();
}

}  // namespace pipewrench

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : pipewrench::check_failed(__FILE__, __LINE__, #condition))
