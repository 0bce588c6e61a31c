// What a fuzz executable does once, before its first input: an IPC namespace of its own, default
// flags. Must not touch the input.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace pipewrench {

struct TargetInfo {
  const char* name;  // "msgq" of fuzz_msgq
  const char*
      options;  // libFuzzer flags that hold unless the user gives them: "-timeout=10 -max_len=512"
};

// Call it from LLVMFuzzerInitialize if the target has one of its own; else it is called for you.
// libFuzzer: adds the target's default flags and dictionary (fuzz_NAME.dict beside the executable)
// to argv, and takes corpus/NAME where corpus/ is given. Exits 1 (libFuzzer's code) on an
// unreadable corpus, 3 where the kernel gives no IPC namespace, each with one line that says why.
void start(const TargetInfo& target, int* argc, char*** argv);

// PATH/NAME where that is a directory, else PATH: the target's own part of a corpus.
std::string own_corpus(const std::string& path, const char* name);

// True once start() has made an IPC namespace; then no object in it is anybody else's.
bool has_own_namespace();

}  // namespace pipewrench
