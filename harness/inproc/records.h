// Inputs that are a list of operations, as fixed-size records. Reading them, and mutating them as
// operations (insert, drop, repeat, swap, change one field), so that one change is one change of
// behaviour.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "harness/inproc/mutator.h"

namespace pipewrench {

// One operation of a fuzz input, 8 bytes on disk, little-endian as in memory.
struct Record {
  std::uint8_t op;      // which operation, modulo their number
  std::uint8_t client;  // which of the clients acts, modulo their number
  std::uint8_t flags;   // flag bits of the operation
  std::uint8_t
      fault;  // 0: none. Low nibble: fault of the row. High nibble: wrapped calls to skip first
  std::uint32_t value;  // the operand: a size, an mtype's index, ...
};
static_assert(sizeof(Record) == 8);

constexpr std::size_t kMostRecords = 32;

// The records of an input; a rest shorter than a record and what is beyond kMostRecords is ignored.
class Records {
 public:
  Records(const std::uint8_t* data, std::size_t size)
      : data_(data),
        count_(size / sizeof(Record) < kMostRecords ? size / sizeof(Record) : kMostRecords) {}
  std::size_t size() const { return count_; }
  Record operator[](std::size_t index) const {
    Record record;
    std::memcpy(&record, data_ + index * sizeof(Record), sizeof(Record));
    return record;
  }

 private:
  const std::uint8_t* data_;
  std::size_t count_;
};

// mutate() of mutator.h for such inputs.
std::size_t mutate_records(std::uint8_t* data, std::size_t size, std::size_t max_size,
                           std::uint32_t seed, Bytewise bytewise);

}  // namespace pipewrench
