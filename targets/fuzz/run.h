// One input of a target whose records are operations: the loop that all such targets share. Must
// not know what the operations do.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/fuzz/both.h"

namespace fuzz {

// A target is default-constructible and has operations(), its table: each row with at least a
// `name` and `operands` (see say()). act() runs one row on a record and compares; finish() compares
// what is left at the end and takes it away.
template <class Target>
int run_input(const std::uint8_t* data, std::size_t size) {
  const pipewrench::Guard guard;
  const pipewrench::VirtualTime time;
  const pipewrench::Records records(data, size);
  const auto operations = Target::operations();
  Target target;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const pipewrench::Record record = records[i];
    const auto& operation = operations[record.op % operations.size()];
    const Step step{.index = i, .operation = operation.name};
    say(step, record, operation.operands);
    target.act(step, operation, record);
  }
  target.finish({.index = pipewrench::kMostRecords, .operation = "end"});
  return 0;
}

}  // namespace fuzz
