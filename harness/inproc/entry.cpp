// The default LLVMFuzzerInitialize, compiled once a target with its name and options. A target that
// needs its own defines it and calls pipewrench::start() there.
// SPDX-License-Identifier: MIT
#include "harness/inproc/start.h"

extern "C" __attribute__((weak)) int LLVMFuzzerInitialize(int* argc, char*** argv) {
  pipewrench::start({.name = PIPEWRENCH_TARGET, .options = PIPEWRENCH_OPTIONS}, argc, argv);
  return 0;
}
