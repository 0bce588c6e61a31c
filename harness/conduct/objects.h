// What the conductor remembers of an object beside its row in the trace. Plain data.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/trace.h"

namespace pipewrench {

struct Letter {  // a message that waits in a queue
  long type = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t serial = 0;
  std::string text;  // at most kTraceData bytes
};

// What the conductor remembers of an object beside its Trace::objects row.
struct ObjectState {
  std::uint64_t version = 0;            // counts what happened to it
  std::uint64_t written = 0, read = 0;  // bytes, or messages
  std::vector<std::uint64_t> chunks;    // sizes of the writes that are still in the pipe
  int id = -1;                          // System V id
  std::uint64_t device = 0, inode = 0;
  std::uint64_t content = 0;  // hash of a segment
  bool content_known = false;
  std::uint64_t size_bytes = 0;             // of a segment
  std::deque<Letter> letters;               // of a queue, oldest first
  std::uint64_t serial = 0;                 // of the last message sent
  std::optional<std::uint64_t> room_bytes;  // msg_qbytes of a queue that the plan holds full
  std::map<int, std::uint32_t> holders;     // of a set: the task that last took each
  std::uint32_t notified = kNobody;         // process that mq_notify(3) will tell
  // A FIFO: whether it was ever opened so in this run; and without waiting for a writer.
  bool opened_for_reading = false, opened_for_writing = false, opened_without_writer = false;
};

// A segment in a process's memory.
struct Attachment {
  std::uint32_t process = 0;
  std::uint32_t object = kNoObject;
  std::uint64_t address = 0;
};

}  // namespace pipewrench
