// AFL++'s door to pipewrench::mutate(): a library for AFL_CUSTOM_MUTATOR_LIBRARY (its driver
// ignores LLVMFuzzerCustomMutator). AFL++ still runs its own bytewise stages beside it.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>
#include <vector>

#include "harness/inproc/mutator.h"

namespace {

struct State {
  std::vector<std::uint8_t> buffer;
  std::minstd_rand random;
};

std::size_t leave(std::uint8_t*, std::size_t size, std::size_t) { return size; }

}  // namespace

extern "C" {

void* afl_custom_init(void* /*afl*/, unsigned seed) {
  return new State{{}, std::minstd_rand(seed)};
}

std::size_t afl_custom_fuzz(State* state, std::uint8_t* data, std::size_t size, std::uint8_t** out,
                            std::uint8_t* /*splice*/, std::size_t /*splice_size*/,
                            std::size_t max_size) {
  state->buffer.assign(data, data + size);
  state->buffer.resize(std::max(max_size, size));
  *out = state->buffer.data();
  return pipewrench::mutate(state->buffer.data(), size, state->buffer.size(),
                            static_cast<std::uint32_t>(state->random()), leave);
}

void afl_custom_deinit(State* state) { delete state; }

}  // extern "C"
