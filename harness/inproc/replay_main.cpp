// The third engine: runs each file it is given through the target once, in any build: for ctest,
// gdb, valgrind.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/inproc/say.h"
#include "harness/inproc/start.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

constexpr std::size_t kLongestInput = 1 << 20;
constexpr int kUsage = 2;
namespace fs = std::filesystem;

int usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s [-v] FILE|DIRECTORY...\nRuns each input once; crashes where one fails. "
               "-v prints what it does.\n",
               program);
  return kUsage;
}

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes(kLongestInput);
  if (!file || !file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())).eof()) {
    std::fprintf(stderr, "replay: %s: cannot be read, or is longer than %zu bytes\n", path.c_str(),
                 kLongestInput);
    return false;
  }
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  bytes.shrink_to_fit();  // so that ASan sees the byte after the input
  std::fprintf(stderr, "%s (%zu bytes)\n", path.c_str(), bytes.size());
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<fs::path> inputs;
  if (argc < 2) return usage(argv[0]);
  for (int i = 1; i < argc; ++i) {
    std::error_code error;
    const std::string path = pipewrench::own_corpus(argv[i], PIPEWRENCH_TARGET);
    if (path == "-v") {
      pipewrench::set_says(true);
      continue;
    }
    if (path.starts_with("-")) return usage(argv[0]);
    if (!fs::is_directory(path, error)) {
      inputs.emplace_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path, error))
      if (entry.is_regular_file()) inputs.push_back(entry.path());
    if (error)
      return std::fprintf(stderr, "replay: %s: %s\n", path.c_str(), error.message().c_str()),
             kUsage;
  }
  std::ranges::sort(inputs);
  LLVMFuzzerInitialize(&argc, &argv);
  for (const fs::path& input : inputs)
    if (!replay(input)) return kUsage;
  std::fprintf(stderr, "replayed %zu inputs\n", inputs.size());
  return 0;
}
