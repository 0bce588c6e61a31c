// A run as data for the page: lanes, steps, arrows, what is in each object, where the plan struck.
// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <algorithm>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/core/printable.h"
#include "harness/finding/arrows.h"
#include "harness/finding/ladder.h"
#include "harness/scenario/channel.h"
#include "harness/scenario/trace_fields.h"
#include "reports/render/bytes.h"
#include "reports/render/model.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownData = 48;     // bytes of a message or a segment
constexpr std::size_t kShownMessages = 8;  // of a queue
constexpr std::size_t kShownText = 400;    // bytes of what a step says

struct Message {
  std::uint64_t serial = 0;  // 0: stood there at the start
  std::int64_t type = 0;
  std::string data{};
};

// What is in each object, followed from step to step.
class Contents {
 public:
  Contents(const Trace& trace, const Scenario& scenario) : trace_(trace) {
    std::size_t queue = 0;
    std::size_t segment = 0;
    std::size_t semaphores = 0;
    for (std::uint32_t i = 0; i < trace.objects.size(); ++i) {
      if (trace.objects[i].maker != kNobody) continue;
      if (trace.objects[i].kind == ObjectKind::queue && queue < scenario.setup.queues.size())
        for (const SetupMessage& message : scenario.setup.queues[queue++].messages)
          queues_[i].push_back({.type = message.type, .data = message.text});
      if (trace.objects[i].kind == ObjectKind::segment && segment < scenario.setup.segments.size())
        segments_[i] = scenario.setup.segments[segment++].text;
      if (trace.objects[i].kind == ObjectKind::semaphore &&
          semaphores < scenario.setup.semaphores.size())
        for (const auto value : scenario.setup.semaphores[semaphores++].values)
          values_[i] += (values_[i].empty() ? "" : ", ") + std::to_string(value);
    }
  }

  // True: the step's object has changed.
  bool take(const Step& step) {
    if (step.object >= trace_.objects.size()) return false;
    if (step.event == Event::stored) return segments_[step.object] = step.data, true;
    if (step.event != Event::call || step.result < 0) return false;
    if (holds_messages(trace_.objects[step.object].kind)) return take_message(step);
    if (trace_.objects[step.object].kind == ObjectKind::semaphore)
      return !step.data.empty() && (values_[step.object] = step.data, true);
    const auto moved = static_cast<std::uint64_t>(step.result);
    std::uint64_t& bytes = streams_[step.object];
    if (step.call == Call::write || step.call == Call::send)
      bytes += moved;
    else if (step.call == Call::read || step.call == Call::recv)
      bytes -= std::min(bytes, moved);
    else
      return false;
    return moved != 0;
  }

  Json state(std::uint32_t object) const {
    if (const auto queue = queues_.find(object); queue != queues_.end()) {
      Json messages = Json::array();
      for (const Message& one : queue->second) {
        if (messages.size() == kShownMessages) break;
        messages.push_back(std::to_string(one.type) + ": \"" + printable(one.data, kShownData) +
                           '"');
      }
      return {{"messages", queue->second.size()}, {"first", std::move(messages)}};
    }
    if (const auto segment = segments_.find(object); segment != segments_.end())
      return {{"content", printable(segment->second, kShownData)}};
    if (const auto set = values_.find(object); set != values_.end())
      return {{"values", printable(set->second, kShownData)}};
    const auto stream = streams_.find(object);
    return {{"bytes", stream == streams_.end() ? 0 : stream->second}};
  }

  std::vector<std::uint32_t> known() const {
    std::vector<std::uint32_t> objects;
    for (const auto& [object, ignored] : queues_) objects.push_back(object);
    for (const auto& [object, ignored] : segments_) objects.push_back(object);
    for (const auto& [object, ignored] : values_) objects.push_back(object);
    for (const auto& [object, ignored] : streams_) objects.push_back(object);
    return objects;
  }

 private:
  bool take_message(const Step& step) {
    std::deque<Message>& queue = queues_[step.object];
    if (step.call == Call::msgsnd || step.call == Call::mq_send) {
      queue.push_back({.serial = step.message, .type = step.number, .data = step.data});
      return true;
    }
    const bool takes = step.call == Call::msgrcv || step.call == Call::mq_receive;
    if (!takes || queue.empty()) return false;
    auto taken = std::ranges::find(queue, step.message, &Message::serial);
    if (taken == queue.end() || step.message == 0)
      taken = std::ranges::find_if(queue, [](const Message& one) { return one.serial == 0; });
    if (taken == queue.end()) return false;
    queue.erase(taken);
    return true;
  }

  const Trace& trace_;
  std::map<std::uint32_t, std::deque<Message>> queues_;
  std::map<std::uint32_t, std::string> segments_, values_;  // values of a semaphore set
  std::map<std::uint32_t, std::uint64_t> streams_;
};

class Timeline {
 public:
  Timeline(const Conducted& run, std::size_t most_steps)
      : run_(run), trace_(run.finding.trace), contents_(trace_, run.scenario) {
    const std::size_t total = trace_.steps.size();
    const std::size_t at = std::min<std::size_t>(run.finding.step, total);
    // Most of what tells the story stands before the finding.
    const std::size_t before = most_steps - most_steps / 8;
    first_ = total <= most_steps || at <= before ? 0 : std::min(at - before, total - most_steps);
    last_ = std::min(total, first_ + most_steps);
  }

  std::string json() {
    Json all = {{"total", trace_.steps.size()},
                {"first", first_},
                {"left_out", trace_.steps.size() - (last_ - first_)},
                {"ending", ending()},
                {"at", run_.finding.step},
                {"tasks", tasks()},
                {"objects", objects()}};
    all["steps"] = steps();
    all["before"] = std::move(before_);
    all["arrows"] = arrows_json();
    all["deviations"] = deviations();
    all["waiting"] = waiting();
    if (trace_.unmanaged != 0) all["unmanaged"] = trace_.unmanaged;
    return all.dump(-1, ' ', true, Json::error_handler_t::replace);
  }

 private:
  std::string ending() const {
    return std::string(trace_fields::kEndings[static_cast<std::size_t>(trace_.ending)]);
  }

  Json tasks() const {
    Json list = Json::array();
    for (const Task& task : trace_.tasks) {
      Json one = {{"name", printable(task.name)}, {"peer", task.peer}, {"born", task.born}};
      if (task.thread) one["thread"] = true;
      if (task.alive) one["alive"] = true;
      if (task.killed_by_plan) one["killed"] = true;
      list.push_back(std::move(one));
    }
    return list;
  }

  Json objects() const {
    Json list = Json::array();
    for (const Object& object : trace_.objects)
      list.push_back({{"name", printable(object.name)},
                      {"kind", trace_fields::kObjectKinds[static_cast<std::size_t>(object.kind)]}});
    return list;
  }

  Json steps() {
    for (const std::uint32_t object : contents_.known())
      if (first_ == 0) before_.push_back({object, contents_.state(object)});
    Json list = Json::array();
    for (std::size_t i = 0; i < last_; ++i) {
      const Step& step = trace_.steps[i];
      const bool changed = contents_.take(step);
      if (i + 1 == first_)
        for (const std::uint32_t object : contents_.known())
          before_.push_back({object, contents_.state(object)});
      if (i < first_) continue;
      Json one = step_json(i);
      if (changed) one["s"] = Json::array({step.object, contents_.state(step.object)});
      list.push_back(std::move(one));
    }
    return list;
  }

  // Short names: there are many of them.
  Json step_json(std::size_t i) const {
    const Step& step = trace_.steps[i];
    Json one = {{"i", i},
                {"e", trace_fields::kEvents[static_cast<std::size_t>(step.event)]},
                {"x", one_line(step_text(trace_, step), kShownText)}};
    if (step.task < trace_.tasks.size()) one["t"] = step.task;
    if (step.n != 0) one["n"] = step.n;
    if (step.call < Call::count_) one["c"] = row(step.call).name;
    if (step.object < trace_.objects.size()) one["o"] = step.object;
    if (step.other < trace_.tasks.size()) one["to"] = step.other;
    if (step.event == Event::call && step.result < 0)
      one["err"] = errno_name(static_cast<int>(-step.result));
    else if (step.event == Event::call && (step.flags & kUnknownResult) == 0)
      one["r"] = step.result;
    if (step.event == Event::delivered || step.event == Event::timer ||
        step.event == Event::teardown || step.call == Call::kill)
      one["sig"] = signal_name(static_cast<int>(step.number));
    if (step.event == Event::died && WIFSIGNALED(static_cast<int>(step.result)))
      one["sig"] = signal_name(WTERMSIG(static_cast<int>(step.result)));
    if (!step.data.empty()) one["d"] = printable(step.data, kShownData);
    if (!step.detail.empty()) one["a"] = one_line(step.detail, kShownText);
    if (step.time_ns != 0) one["ns"] = step.time_ns;
    Json flags = Json::array();
    for (std::size_t bit = 0; bit < trace_fields::kFlags.size(); ++bit)
      if ((step.flags >> bit & 1) != 0) flags.push_back(trace_fields::kFlags[bit]);
    if (!flags.empty()) one["f"] = std::move(flags);
    if (std::ranges::binary_search(run_.relevant, static_cast<std::uint32_t>(i))) one["k"] = 1;
    return one;
  }

  Json arrows_json() const {
    constexpr const char* kNames[] = {"message", "bytes", "signal"};
    Json list = Json::array();
    for (const Arrow& arrow : arrows(trace_))
      if (arrow.from >= first_ && arrow.to < last_)
        list.push_back({arrow.from, arrow.to, kNames[static_cast<std::size_t>(arrow.kind)]});
    return list;
  }

  Json deviations() const {
    Json list = Json::array();
    for (const Deviation& deviation : trace_.plan)
      list.push_back({{"text", printable(print(deviation))},
                      {"at", place_of(trace_, deviation)},
                      {"kind", trace_fields::kDeviates[static_cast<std::size_t>(deviation.kind)]}});
    return list;
  }

  Json waiting() const {
    Json list = Json::array();
    for (const Waiting& one : trace_.waiting)
      list.push_back({{"t", one.task}, {"i", one.step}, {"holders", one.holders}});
    return list;
  }

  const Conducted& run_;
  const Trace& trace_;
  Contents contents_;
  Json before_ = Json::array();
  std::size_t first_ = 0, last_ = 0;  // steps that are shown
};

}  // namespace

std::string timeline_json(const Conducted& run, std::size_t most_steps) {
  return Timeline(run, std::max<std::size_t>(most_steps, 8)).json();
}

}  // namespace pipewrench
