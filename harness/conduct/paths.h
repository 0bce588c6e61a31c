// Names as the peers mean them, seen from the worker; and who holds which end of a FIFO.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "harness/conduct/run.h"

namespace pipewrench {

// A path by which the worker reaches what the task means.
std::string outside_path(const Run& run, std::uint32_t task, int directory,
                         const std::string& path);
// What the reader of a trace sees: "./room" for what is in the peers' working directory.
std::string shown_path(const Run& run, std::uint32_t task, const std::string& path);
// Whether a live process has the FIFO open for writing (or reading). `except` counts too if it
// holds an end itself.
bool fifo_is_held(Run& run, std::uint32_t object, bool for_writing, std::uint32_t opener);
// Main tasks of the live processes that hold the object's end, in order of birth: pipes, FIFOs.
std::vector<std::uint32_t> holders_of(const Run& run, std::uint64_t device, std::uint64_t inode,
                                      bool for_writing);

}  // namespace pipewrench
