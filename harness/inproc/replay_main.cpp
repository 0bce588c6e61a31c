// The third engine: runs each file it is given through the target once, in any build: for ctest,
// gdb, valgrind.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "harness/inproc/say.h"
#include "harness/inproc/start.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

namespace {

constexpr std::size_t kLongestInput = 1 << 20;
constexpr long kMostRuns = 1'000'000'000;
constexpr int kUsage = 2;
namespace fs = std::filesystem;

struct Options {
  std::vector<fs::path> inputs;
  long runs = 0;  // 0: each input once
};

struct Input {
  fs::path path;
  std::vector<char> bytes;
};

int usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s [-v] [-n RUNS] FILE|DIRECTORY...\n"
               "Runs each input once; crashes where one fails.\n"
               "  -v       print what each input does\n"
               "  -n RUNS  run the inputs in turn, RUNS in all, and print inputs/s\n",
               program);
  return kUsage;
}

// False: the path cannot be read, which is said.
bool collect(const std::string& path, std::vector<fs::path>* inputs) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return inputs->emplace_back(path), true;
  for (const auto& entry : fs::recursive_directory_iterator(path, error))
    if (entry.is_regular_file()) inputs->push_back(entry.path());
  if (error) std::fprintf(stderr, "replay: %s: %s\n", path.c_str(), error.message().c_str());
  return !error;
}

bool read(Input* input) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(input->path, error);
  if (!error && size > kLongestInput) error = std::make_error_code(std::errc::file_too_large);
  if (!error) {
    input->bytes.resize(size);  // no more than the input: ASan sees the byte after it
    errno = 0;
    std::ifstream file(input->path, std::ios::binary);
    if (!file.read(input->bytes.data(), static_cast<std::streamsize>(size)))
      error = std::error_code(errno != 0 ? errno : EIO, std::generic_category());
  }
  if (error) std::fprintf(stderr, "replay: %s: %s\n", input->path.c_str(), error.message().c_str());
  return !error;
}

void run(const Input& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.bytes.data()),
                         input.bytes.size());
}

void run_once_each(const std::vector<Input>& inputs) {
  for (const Input& input : inputs) {
    std::fprintf(stderr, "%s (%zu bytes)\n", input.path.c_str(), input.bytes.size());
    run(input);
  }
  std::fprintf(stderr, "replayed %zu inputs\n", inputs.size());
}

void run_in_turn(const std::vector<Input>& inputs, long runs) {
  const auto started = std::chrono::steady_clock::now();
  for (long i = 0; i < runs; ++i) run(inputs[static_cast<std::size_t>(i) % inputs.size()]);
  const std::chrono::duration<double> took_s = std::chrono::steady_clock::now() - started;
  std::printf("%.0f\n", static_cast<double>(runs) / took_s.count());
}

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "-v") {
      pipewrench::set_says(true);
    } else if (word == "-n" && i + 1 < argc) {
      char* end = nullptr;
      options->runs = std::strtol(argv[++i], &end, 10);
      if (*end != '\0' || options->runs < 1 || options->runs > kMostRuns) return false;
    } else if (word.starts_with("-") ||
               !collect(pipewrench::own_corpus(word, PIPEWRENCH_TARGET), &options->inputs)) {
      return false;
    }
  }
  return !options->inputs.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) return usage(argv[0]);
  std::ranges::sort(options.inputs);
  std::vector<Input> inputs;
  for (const fs::path& path : options.inputs) {
    inputs.push_back({.path = path, .bytes = {}});
    if (!read(&inputs.back())) return kUsage;
  }
  LLVMFuzzerInitialize(&argc, &argv);
  if (options.runs > 0)
    run_in_turn(inputs, options.runs);
  else
    run_once_each(inputs);
  return 0;
}
