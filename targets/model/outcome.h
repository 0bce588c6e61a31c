// What every model answers: the kernel's result and errno. Plain data.
// SPDX-License-Identifier: MIT
#pragma once

namespace model {

// A result of the kernel: a value >= 0 with errno 0, or -1 with the errno.
struct Outcome {
  long result = 0;
  int error = 0;
  bool operator==(const Outcome&) const = default;
};

}  // namespace model
