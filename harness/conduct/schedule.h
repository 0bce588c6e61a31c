// Scheduler: drives a Run. Waits until nobody runs, asks the policy who goes on, lets him, again.
// Parts: lifecycle.cpp (traps, births, deaths), deviate.cpp (what a plan does to a call),
// sleepers.cpp, debugger.cpp, schedule.cpp (turns and time).
// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <unordered_map>

#include "harness/conduct/debugger.h"
#include "harness/conduct/run.h"

namespace pipewrench {

// A trap that nobody has looked at yet, and what its task did before.
struct Arrival {
  std::uint32_t task;
  seccomp_notif notif;
  State from;
};

struct Scheduler {
  Run& run;
  Policy& policy;
  std::unordered_map<pid_t, std::uint32_t> by_tid{};
  std::unordered_map<pid_t, std::uint32_t> launched{};  // PID as the peers see it -> peer
  std::uint32_t current = kNobody;
  std::uint32_t in_a_row = 0;    // steps of the current task, while others could have gone on
  std::uint32_t idle_jumps = 0;  // of the clock, with nothing moved between them
  std::uint64_t arrivals = 0;    // order in which waiters came
  std::uint64_t looks = 0;       // counts what may have made a task ready
  bool only_blocked = false;     // the last turn was to block, and has changed nothing else
  std::uint64_t turn_ns = 0;     // virtual time at which the current turn began
  std::uint32_t call_steps = 0;
  std::uint32_t traps = 0;
  bool has_zombies = false;  // the stage's, which nobody is left to see
  bool told_to_end = false;  // the tear-down has begun: nobody is started again
  std::string failure{};     // of the harness
  std::vector<Arrival> arrived{};
  Debug debug{};
  int caller = -1;  // ConductorOptions::caller

  // --- schedule.cpp ---
  // Goes on until all have ended, all rest, or a limit is met.
  Ending turns(std::uint32_t most_steps, std::uint64_t until_ns);
  bool one_turn(Ending& ending, std::uint64_t until_ns);
  // False, with the failure said: nobody waits for this run any more.
  bool is_wanted();
  bool is_candidate(std::uint32_t task);
  bool is_ready(std::uint32_t task);
  void take_turn(std::uint32_t task, std::vector<std::uint16_t> others);
  void deliver_before(std::uint32_t task);
  bool advance_clock(Ending& ending, std::uint64_t until_ns);
  void fire_timers();
  void send_signal_of(const Timer& timer, std::uint32_t process);
  void enter(std::uint32_t task);

  // --- lifecycle.cpp ---
  bool launch(std::uint32_t peer, const std::string& program);
  // Returns when every task is parked, asleep in the kernel or dead. False: the harness is broken.
  bool settle();
  void receive();
  void trapped(std::uint32_t task, const seccomp_notif& notif);
  bool look_at_arrivals(bool only_traced);
  std::optional<TaskStatus> status_of_newcomer(pid_t tid) const;
  std::uint32_t adopt(pid_t tid);
  std::string adopt_process(const TaskStatus& status, std::uint32_t index, std::uint32_t parent,
                            std::uint32_t parent_process);
  void image_is_new(std::uint32_t task);
  void orphaned(std::uint32_t index);
  void keep_statuses();
  void process_died(std::uint32_t process);
  void task_died(std::uint32_t task, int status);
  void woke(std::uint32_t task);
  bool look_at_sleepers();
  bool sleepers_move();
  void look_at_laggards(bool only_falling);
  void look_for_newcomer(std::uint32_t parent);
  bool look_for_dying();
  void terminals_may_signal();
  bool bury();
  void give_back_to_tracer();
  void watch_memory();
  void end_vfork(std::uint32_t child);

  // --- debugger.cpp ---
  // True if it is stopped, or was let go since: it comes to this call again.
  bool meets_debugger(std::uint32_t task);

  // --- deviate.cpp ---
  enum class Played : std::uint8_t {
    nothing,     // there is nothing here that it could be done to
    goes_on,     // the call is made all the same
    dealt_with,  // it is not
  };
  Played play(std::uint32_t task, const Deviation& deviation);
  Played fill(std::uint32_t task);
  void kill(std::uint32_t task);
};

}  // namespace pipewrench
