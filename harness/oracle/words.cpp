// SPDX-License-Identifier: MIT
#include "harness/oracle/words.h"

#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "harness/core/printable.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/temporary.h"

namespace pipewrench {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

std::size_t end_of_digits(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

// ftok(3): the project's letter, then device and inode, which are another machine's business.
std::string key_role(std::string_view key) {
  constexpr std::uint32_t kLetter = 0x0100'0000;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number, 16);
  if (error != std::errc() || end != key.data() + key.size() || number < kLetter)
    return std::string(key);
  return std::string(key.substr(0, key.size() - 6));
}

}  // namespace

std::string role_of(std::string_view task) {
  std::string role;
  for (std::size_t i = 0; i < task.size();) {
    const std::size_t end = end_of_digits(task, i + 1);
    constexpr std::string_view kMarks = "/:.~";
    const bool is_number =
        end > i + 1 && (end == task.size() || kMarks.find(task[end]) != kMarks.npos);
    if (is_number && kMarks.find(task[i]) != kMarks.npos) {
      if (task[i] == '/') role += "/child";
      if (task[i] == ':') role += ":thread";
      i = end;
    } else {
      role += task[i++];
    }
  }
  return printable(role);
}

std::string role_of(const Trace& trace, std::uint32_t task) {
  return task < trace.tasks.size() ? role_of(trace.tasks[task].name) : "somebody";
}
std::string name_of(const Trace& trace, std::uint32_t task) {
  return task < trace.tasks.size() ? printable(trace.tasks[task].name) : "somebody";
}

std::string object_role(std::string_view whole_name) {
  const std::string name = without_random(whole_name);
  constexpr std::string_view kKey = " 0x";
  if (const std::size_t key = name.find(kKey); key != name.npos) {
    std::size_t end = key + kKey.size();
    while (end < name.size() && is_hex(name[end])) ++end;
    if (end == name.size())
      return printable(name.substr(0, key) + " 0x" +
                       key_role(std::string_view(name).substr(key + kKey.size())));
  }
  const std::size_t space = name.find(' ');
  std::string role;
  for (std::size_t i = 0; i < name.size();) {
    if (name[i] == '#' && space == name.npos && end_of_digits(name, i + 1) == name.size()) break;
    if (is_digit(name[i])) {
      role += 'N';
      i = end_of_digits(name, i);
    } else {
      role += name[i++];
    }
  }
  return printable(role);
}

std::string object_role(const Trace& trace, std::uint32_t object) {
  return object < trace.objects.size() ? object_role(trace.objects[object].name) : "";
}
std::string object_name(const Trace& trace, std::uint32_t object) {
  return object < trace.objects.size() ? printable(trace.objects[object].name) : "";
}

const char* call_name(const Step& step) {
  return step.call < Call::count_ ? row(step.call).name : "?";
}

std::string said(const Trace& trace, const Step& step) {
  return std::string(call_name(step)) + '(' + object_name(trace, step.object) + ')';
}
std::string said_role(const Trace& trace, const Step& step) {
  const std::string object = object_role(trace, step.object);
  return object.empty() ? call_name(step) : std::string(call_name(step)) + ' ' + object;
}
std::string numbered(const Trace& trace, const Step& step) {
  const std::string name = name_of(trace, step.task);
  return step.n == 0 ? name : name + '#' + std::to_string(step.n);
}

std::string outcome(const Step& step) {
  if (step.result < 0) return errno_name(static_cast<int>(-step.result));
  const bool is_input = step.call == Call::read || step.call == Call::recv;
  return step.result == 0 && is_input ? "end of file" : std::to_string(step.result);
}

std::string fate(const Trace& trace, std::uint32_t task) {
  const Task& one = trace.tasks[task];
  if (one.alive) {
    const Step* wait = wait_of(trace, task);
    return wait == nullptr ? "goes on" : "waits in " + said(trace, *wait);
  }
  if (WIFSIGNALED(one.status)) return "dies of " + signal_name(WTERMSIG(one.status));
  return "exits with " + std::to_string(WEXITSTATUS(one.status));
}

std::vector<std::string> unmanaged_of(const Trace& trace) {
  constexpr std::size_t kMaxTold = 8;
  std::vector<std::string> told;
  for (const Step& step : trace.steps) {
    if (step.event != Event::unmanaged || told.size() == kMaxTold) continue;
    std::string what = role_of(trace, step.task) + ' ' + printable(step.detail);
    if (std::ranges::find(told, what) == told.end()) told.push_back(std::move(what));
  }
  return told;
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += names[i];
  }
  return text;
}

}  // namespace pipewrench
