// One run of the peers: who lives, what each is parked at, what the clock says. The rows of
// calls.h read and change it; schedule.cpp drives it. Everything here dies with the run.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/conduct/objects.h"
#include "harness/conduct/policy.h"
#include "harness/conduct/state.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/trace.h"

namespace pipewrench {

class Stage;

class Run {
 public:
  Run(const Scenario& of, Policy& policy, Stage& on, Trace& into, std::uint64_t of_random);
  void go();

  // --- used by the rows of calls.h ---
  Trace& trace;
  const Scenario& scenario;
  Stage& stage;
  std::vector<std::string> programs;  // absolute paths, beside scenario.peers
  std::vector<Process> processes;
  std::vector<Live> live;            // beside trace.tasks
  std::vector<ObjectState> objects;  // beside trace.objects
  std::vector<Attachment> attached;
  std::array<int, 3> next_ids{};  // of System V objects, by Stage::kMsg, kSem, kShm
  std::uint64_t now_ns = 0;
  std::uint64_t seed;
  std::vector<std::pair<ObjectKind, int>> set_up;  // System V objects, by id
  std::vector<std::string> mqueues;                // names of POSIX queues that peers made
  bool is_full = false;                            // a fork was refused
  bool has_terminals = false;                      // a peer has made some: their end is a signal

  Process& process_of(std::uint32_t task) { return processes[live[task].process]; }
  Pending& pending_of(std::uint32_t task) { return live[task].pending; }
  std::uint32_t task_of_inner(pid_t inner) const;  // main task of a live process; kNobody
  // A name that ends in '#' gets the next number of its kind: "pipe#" becomes "pipe#3".
  std::uint32_t object_of(ObjectKind kind, std::uint64_t a, std::uint64_t b,
                          const std::string& name);
  std::pair<std::uint64_t, std::uint64_t> identity_of(std::uint32_t object) const;
  std::uint32_t find_object(ObjectKind kind, std::uint64_t a,
                            std::uint64_t b) const;                       // or kNoObject
  void forget_attachments(std::uint32_t process, std::uint64_t address);  // 0: all of it
  std::string number_object(const char* kind);                            // "pipe#3"
  std::string peer_path(const std::string& path) const;  // sandbox paths become "./x"
  // Answers; the task runs on.
  void answer(std::uint32_t task, std::int64_t value_or_negative_errno);
  void let_kernel(std::uint32_t task);
  // The kernel ends this process: its tasks, parked ones too, count as running until they are dead.
  void dies(std::uint32_t process);
  // Lets the kernel do a call that blocks there; the step is recorded when the task wakes.
  void sleep_in_kernel(std::uint32_t task);
  // The step of the task's pending call; flags and result as known.
  Step& record(std::uint32_t task, std::int64_t result, std::uint16_t flags = 0);
  Step& record_event(Event event, std::uint32_t task);
  void unmanaged(std::uint32_t task, const std::string& why);
  void refresh_reaped(std::uint32_t process);  // which of its dead children it has waited for
  void signal_task(std::uint32_t task, int signal, bool to_process);
  // The next random bytes of a task: what others do, or a plan does to them, changes none of them.
  std::string random_bytes(std::uint32_t task, std::size_t size);

 private:
  friend struct Scheduler;
  Policy& policy_;
  std::map<std::tuple<ObjectKind, std::uint64_t, std::uint64_t>, std::uint32_t> by_identity_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace pipewrench
