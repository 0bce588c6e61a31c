// Looking things up in a run and in the calm run beside it, and what a user would see of the
// difference.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "harness/oracle/oracle.h"

namespace pipewrench {

// The last task of that name, the restarted "writer~2" for "writer"; kNobody if there is none.
std::uint32_t task_named(const Trace& trace, std::string_view name);
std::uint32_t calm_twin(const Case& c, std::uint32_t task);
// The first task of its process.
std::uint32_t process_of(const Trace& trace, std::uint32_t task);
std::uint32_t main_task(const Trace& trace, std::uint32_t peer);
// An object of the same name and, where it has one, a maker of the same name; kNoObject if there is
// none.
std::uint32_t same_object(const Trace& from, std::uint32_t object, const Trace& in);
// The wait in which a task is when the run ends; nothing if it has done something since.
const Step* wait_of(const Trace& trace, const Waiting& waiting);
const Step* wait_of(const Trace& trace, std::uint32_t task);
// How many steps were made before the tear-down.
std::size_t steps_before_end(const Trace& trace);
// False where the kernel did it and told nobody.
bool is_known(const Trace& trace, const Step& step);
// The step of the task's last call; UINT32_MAX if it made none.
std::uint32_t last_call(const Trace& trace, std::uint32_t task);
// Whether the task runs another program than the one it was started or forked with.
bool has_execed(const Trace& trace, std::uint32_t task);

bool at_limit(const Trace& trace);
bool is_dead(const Trace& trace, std::uint32_t task);  // before the tear-down
bool died_of(const Task& task, int signal);
bool is_signal_call(Call call);
bool is_input(Call call);   // read, recv, msgrcv
bool is_output(Call call);  // write, send, msgsnd
bool is_stream(ObjectKind kind);

// What a user sees of a peer that differs from the calm run. Only output that the schedule may not
// change counts: the order of lines does not where the peer has several tasks or several sources.
struct Harm {
  bool output = false;
  bool status = false;
  bool interleaved = false;  // the same bytes, but lines of several tasks are mixed up
  bool any() const { return output || status; }
};
Harm harm_of(const Case& c, std::uint32_t peer);

}  // namespace pipewrench
