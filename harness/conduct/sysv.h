// The conductor's own view of the System V objects of the namespace: which messages wait in which
// queue, what a set's values are, what a segment holds.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "harness/conduct/run.h"

namespace pipewrench {

// "0x1234", or "ftok(./file, 'a')" for a key that a file of the sandbox makes.
std::string key_text(const Run& run, std::int32_t key);

// The messages of a queue, in order, read with MSG_COPY (msgrcv(2)). Fails where the kernel lacks
// it.
std::optional<std::vector<Letter>> peek_queue(int id);
// Which message msgrcv(2) takes: index, or nothing.
std::optional<std::size_t> select_letter(const std::deque<Letter>& letters, long type, int flags);

std::uint32_t queue_object(Run& run, int id);  // kNoObject: no such queue
std::uint32_t semaphore_object(Run& run, int id);
std::uint32_t segment_object(Run& run, int id);

// Looks at each attached segment; a change since the last look is an Event::stored of `task`.
void watch_segments(Run& run, std::uint32_t task);
// What the scenario wants to exist; errors are ours.
void set_up_objects(Run& run);
// Objects that exist now, as Leftovers, and their removal.
void collect_objects(Run& run);
// Removes the object, as a fault.
bool remove_object(Run& run, std::uint32_t object);
// Fills a queue to its last byte or message.
bool fill_queue(int id);
// As if another process had filled it: no message fits, those in it are the peers' own. False:
// there is no such queue.
bool hold_queue_full(Run& run, std::uint32_t object);
// And as if that one took its messages out again. False: no queue was held.
bool release_queues(Run& run);

}  // namespace pipewrench
