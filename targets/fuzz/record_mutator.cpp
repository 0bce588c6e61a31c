// The mutator of every target whose inputs are records.
// SPDX-License-Identifier: MIT
#include "harness/inproc/records.h"

namespace pipewrench {

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                   Bytewise bytewise) {
  return mutate_records(data, size, max_size, seed, bytewise);
}

}  // namespace pipewrench
