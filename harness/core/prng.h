// Prng: splitmix64, numbers that are the same on every machine. Not for secrets.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "harness/core/check.h"

namespace pipewrench {

// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
class Prng {
 public:
  explicit Prng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // 0 .. count-1. The bias of the remainder is below 2^-32 for what is counted here.
  std::uint64_t below(std::uint64_t count) {
    CHECK(count > 0);
    return next() % count;
  }
  bool one_in(std::uint64_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace pipewrench
