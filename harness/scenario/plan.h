// Plan: a short list of deviations from the calm run, in text form and back: parse(print(x)) == x.
// Plain data. A deviation names a task and that task's own count of calls on IPC objects, from 1,
// so that it survives reordering and another machine's libraries. Must not touch a process.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pipewrench {

enum class Deviate : std::uint8_t {
  preempt,  // before writer#12 run reader    the calm rule would have chosen writer#12
  shorten,  // writer#14 write short 3        the kernel moves 3 bytes
  fail,     // reader#9 msgrcv fail EIDRM     -1 and errno; made by a real cause where there is one
  kill,     // writer#20 kill                 SIGKILL instead of the call
  kill_after,  // writer#20 kill after           SIGKILL once the call is done
  restart,     // writer restart                 when it has died by a deviation it is started again
  signal,      // reader#5 signal SIGTERM        sent from outside, arrives before the call
  remove,      // reader#9 remove                the call's object is removed before the call
  fill,        // writer#9 fill                  msgsnd finds its queue full, for once
  wake,        // waker#7 wake reader:2          which waiter a wake-up reaches
  timeout_first,  // reader#4 timeout first         the call's time-out passes, ready or not
};

struct Deviation {
  Deviate kind = Deviate::preempt;
  std::string task{};        // "writer", "demo1/1" (a fork), "server:2" (a thread)
  std::uint32_t n = 0;       // the task's count of calls, from 1; 0 for restart
  std::string call{};        // "write": of shorten and fail; must be what the task then calls
  std::string other{};       // task of preempt and wake
  std::uint64_t amount = 0;  // bytes of shorten
  int number = 0;            // errno of fail, signal number of signal

  bool operator==(const Deviation&) const = default;
};

using Plan = std::vector<Deviation>;

// What is wrong with a text: one line for people.
struct BadInput {
  std::string file{};
  std::uint32_t line = 0;    // from 1; 0 where none can be named
  std::string cause{};       // printable: what it shows of the text is escaped
  std::string text() const;  // "file:line: cause"

  bool operator==(const BadInput&) const = default;
};

std::string print(const Deviation& deviation);  // one line without a newline
std::string print(const Plan& plan);            // one line each; the empty plan is ""
// Empty lines and what follows " #" or a leading '#' are left out. At most kMaxPlanLines lines of
// kMaxPlanLine bytes.
std::expected<Plan, BadInput> parse_plan(std::string_view text, const std::string& file);

inline constexpr std::uint32_t kMaxPlanLines = 10'000;
inline constexpr std::uint32_t kMaxPlanLine = 4'000;

// Letters, digits and _ . + - / : only; at most kMaxTaskName of them. print() of another name
// cannot be parsed.
bool is_task_name(std::string_view name);
inline constexpr std::uint32_t kMaxTaskName = 1'500;

// "EIDRM" <-> 43, "SIGTERM" <-> 15; the number for one without a name; 0 for an unknown name.
std::string errno_name(int number);
int errno_of(std::string_view name);
std::string signal_name(int number);
int signal_of(std::string_view name);

}  // namespace pipewrench
