// libFuzzer's door to pipewrench::mutate().
// SPDX-License-Identifier: MIT
#include "harness/inproc/mutator.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  return pipewrench::mutate(data, size, max_size, seed, LLVMFuzzerMutate);
}
