// SPDX-License-Identifier: MIT
#include "harness/oracle/runs.h"

#include <sys/wait.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace pipewrench {
namespace {

std::vector<std::string_view> sorted_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  std::ranges::sort(lines);
  return lines;
}

std::string sorted_bytes(std::string text) {
  std::ranges::sort(text);
  return text;
}

std::size_t tasks_of(const Trace& trace, std::uint32_t peer) {
  return static_cast<std::size_t>(std::ranges::count(trace.tasks, peer, &Task::peer));
}

// Objects, senders and signals that the peer is fed from.
std::size_t sources_of(const Trace& trace, std::uint32_t peer) {
  const auto is_its = [&](std::uint32_t task) {
    return task < trace.tasks.size() && trace.tasks[task].peer == peer;
  };
  std::set<std::uint32_t> objects;
  std::set<std::uint32_t> senders;
  bool has_signals = false;
  for (const Step& step : trace.steps) {
    if (step.event == Event::delivered && is_its(step.task)) has_signals = true;
    if (step.event == Event::call && is_its(step.task) && is_input(step.call) && step.result > 0)
      objects.insert(step.object);
  }
  for (const Step& step : trace.steps)
    if (step.event == Event::call && !is_its(step.task) && is_output(step.call) &&
        step.result >= 0 && objects.contains(step.object))
      senders.insert(step.task);
  return std::max(objects.size(), senders.size()) + (has_signals ? 1 : 0);
}

// "writer~2/1" is "writer/1" of a peer that was started again.
bool same_name(std::string_view one, std::string_view other) {
  const auto skip = [](std::string_view& name) {
    if (!name.starts_with('~')) return;
    name.remove_prefix(1);
    name.remove_prefix(std::min(name.find_first_not_of("0123456789"), name.size()));
  };
  while (true) {
    skip(one);
    skip(other);
    if (one.empty() || other.empty()) return one.empty() && other.empty();
    if (one.front() != other.front()) return false;
    one.remove_prefix(1);
    other.remove_prefix(1);
  }
}

// An endless program that says the same few lines again and again, and now says another one.
bool leaves_routine(const std::string& calm, const std::string& run) {
  constexpr std::size_t kMostDistinct = 4;
  constexpr std::size_t kRepetitions = 8;
  const auto whole_lines = [](std::string_view text) {
    return sorted_lines(text.substr(0, text.rfind('\n') + 1));
  };
  std::vector<std::string_view> usual = whole_lines(calm);
  const std::size_t count = usual.size();
  usual.erase(std::ranges::unique(usual).begin(), usual.end());
  if (usual.size() > kMostDistinct || count < kRepetitions * usual.size()) return false;
  return !std::ranges::includes(usual, [&] {
    std::vector<std::string_view> lines = whole_lines(run);
    lines.erase(std::ranges::unique(lines).begin(), lines.end());
    return lines;
  }());
}

bool is_cut(const Trace& trace, std::uint32_t peer) {
  return at_limit(trace) || trace.outputs[peer].cut;
}

void compare_output(const Case& c, std::uint32_t peer, Harm& harm) {
  if (peer >= c.run.outputs.size() || peer >= c.calm.outputs.size()) return;
  const std::string& calm = c.calm.outputs[peer].out;
  const std::string& run = c.run.outputs[peer].out;
  if (calm == run) return;
  const std::size_t tasks = std::max(tasks_of(c.calm, peer), tasks_of(c.run, peer));
  const bool is_ordered = tasks <= 1 && sources_of(c.calm, peer) <= 1;
  // Programs that never end: as far as both have come. What several sources fed has no common
  // beginning.
  if (is_cut(c.calm, peer) || is_cut(c.run, peer)) {
    harm.output =
        is_ordered ? !calm.starts_with(run) && !run.starts_with(calm) : leaves_routine(calm, run);
    return;
  }
  if (!is_ordered && sorted_lines(calm) == sorted_lines(run)) return;
  if (tasks > 1 && sorted_bytes(calm) == sorted_bytes(run))
    harm.interleaved = true;
  else
    harm.output = true;
}

}  // namespace

std::uint32_t task_named(const Trace& trace, std::string_view name) {
  for (std::size_t i = trace.tasks.size(); i-- > 0;)
    if (same_name(trace.tasks[i].name, name)) return static_cast<std::uint32_t>(i);
  return kNobody;
}
std::uint32_t calm_twin(const Case& c, std::uint32_t task) {
  return task < c.run.tasks.size() ? task_named(c.calm, c.run.tasks[task].name) : kNobody;
}

std::uint32_t process_of(const Trace& trace, std::uint32_t task) {
  while (task < trace.tasks.size() && trace.tasks[task].thread) task = trace.tasks[task].parent;
  return task;
}

std::uint32_t main_task(const Trace& trace, std::uint32_t peer) {
  for (std::size_t i = trace.tasks.size(); i-- > 0;) {
    const Task& task = trace.tasks[i];
    if (task.peer == peer && task.parent == kNobody && !task.thread)
      return static_cast<std::uint32_t>(i);
  }
  return kNobody;
}

std::uint32_t same_object(const Trace& from, std::uint32_t object, const Trace& in) {
  if (object >= from.objects.size()) return kNoObject;
  const auto maker = [](const Trace& trace, const Object& made) {
    return made.maker < trace.tasks.size() ? std::string_view(trace.tasks[made.maker].name) : "";
  };
  const Object& wanted = from.objects[object];
  for (std::uint32_t i = 0; i < in.objects.size(); ++i)
    if (in.objects[i].name == wanted.name && maker(in, in.objects[i]) == maker(from, wanted))
      return i;
  return kNoObject;
}

const Step* wait_of(const Trace& trace, const Waiting& waiting) {
  if (waiting.step >= trace.steps.size() || waiting.task >= trace.tasks.size()) return nullptr;
  const Step& wait = trace.steps[waiting.step];
  if (wait.event != Event::waits || wait.task != waiting.task) return nullptr;
  for (std::size_t i = waiting.step + 1; i < steps_before_end(trace); ++i)
    if (trace.steps[i].task == waiting.task && trace.steps[i].event == Event::call) return nullptr;
  return &wait;
}
const Step* wait_of(const Trace& trace, std::uint32_t task) {
  const auto found = std::ranges::find(trace.waiting, task, &Waiting::task);
  return found == trace.waiting.end() ? nullptr : wait_of(trace, *found);
}

std::size_t steps_before_end(const Trace& trace) {
  // The tear-down is short and last.
  for (std::size_t i = trace.steps.size(); i-- > 0;)
    if (trace.steps[i].event == Event::teardown) return i;
  return trace.steps.size();
}

bool is_known(const Trace& trace, const Step& step) {
  if ((step.flags & kUnknownResult) != 0) return false;
  const bool is_transfer = step.call == Call::read || step.call == Call::write;
  if (!is_transfer || step.object >= trace.objects.size()) return true;
  const ObjectKind kind = trace.objects[step.object].kind;
  if (kind == ObjectKind::socket) return step.detail.ends_with(", end of file");
  return kind == ObjectKind::pipe || kind == ObjectKind::fifo;
}

std::uint32_t last_call(const Trace& trace, std::uint32_t task) {
  for (std::size_t i = steps_before_end(trace); i-- > 0;)
    if (trace.steps[i].task == task && trace.steps[i].event == Event::call)
      return static_cast<std::uint32_t>(i);
  return UINT32_MAX;
}

bool has_execed(const Trace& trace, std::uint32_t task) {
  // A task that has lost its parent is still no peer's first.
  const bool is_child = task < trace.tasks.size() && trace.tasks[task].name.contains('/');
  return is_child && std::ranges::any_of(trace.steps, [&](const Step& step) {
           return step.task == task && step.event == Event::exec;
         });
}

bool at_limit(const Trace& trace) {
  return trace.ending == Ending::step_limit || trace.ending == Ending::time_limit;
}
bool is_dead(const Trace& trace, std::uint32_t task) {
  return task < trace.tasks.size() && !trace.tasks[task].alive;
}
bool died_of(const Task& task, int signal) {
  return !task.alive && WIFSIGNALED(task.status) && WTERMSIG(task.status) == signal;
}
bool is_signal_call(Call call) { return call == Call::kill || call == Call::pidfd_send_signal; }
bool is_input(Call call) {
  return call == Call::read || call == Call::recv || call == Call::msgrcv ||
         call == Call::mq_receive;
}
bool is_output(Call call) {
  return call == Call::write || call == Call::send || call == Call::msgsnd || call == Call::mq_send;
}
bool is_stream(ObjectKind kind) {
  return kind == ObjectKind::pipe || kind == ObjectKind::fifo || kind == ObjectKind::socket;
}

Harm harm_of(const Case& c, std::uint32_t peer) {
  Harm harm;
  compare_output(c, peer, harm);
  const std::uint32_t calm = main_task(c.calm, peer);
  const std::uint32_t run = main_task(c.run, peer);
  if (calm == kNobody || !is_dead(c.run, run)) return harm;
  // Who still lived when the calm run met its limit would have ended one day, with whatever status.
  if (is_dead(c.calm, calm))
    harm.status = c.calm.tasks[calm].status != c.run.tasks[run].status;
  else
    harm.status = !at_limit(c.calm) || c.run.tasks[run].status != 0;
  return harm;
}

}  // namespace pipewrench
