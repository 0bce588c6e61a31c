// SPDX-License-Identifier: MIT
#include "harness/finding/perfetto.h"

#include <nlohmann/json.hpp>

#include "harness/core/printable.h"
#include "harness/finding/arrows.h"

namespace pipewrench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFirstId = 1;  // Perfetto leaves out PID 0

class Events {
 public:
  explicit Events(const Trace& trace) : trace_(trace) {}

  std::string json() {
    name_lanes();
    for (std::size_t i = 0; i < trace_.steps.size(); ++i) {
      const Step& step = trace_.steps[i];
      if (step.task >= trace_.tasks.size()) continue;
      if (step.event == Event::call)
        add_call(i);
      else if (step.event == Event::waits)
        add_wait(i);
      else
        add_instant(i);
    }
    add_arrows();
    const Json all = {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events_)}};
    return all.dump(-1, ' ', true, Json::error_handler_t::replace);
  }

 private:
  Json event(const char* phase, const std::string& name, std::size_t i) const {
    const std::uint32_t task = trace_.steps[i].task;
    return {{"ph", phase},
            {"name", name},
            {"pid", trace_.tasks[task].peer + kFirstId},
            {"tid", task + kFirstId},
            {"ts", i}};
  }

  void name_lanes() {
    for (const Task& task : trace_.tasks)
      if (task.parent >= trace_.tasks.size() && !task.thread)
        events_.push_back({{"ph", "M"},
                           {"name", "process_name"},
                           {"pid", task.peer + kFirstId},
                           {"args", {{"name", printable(task.name)}}}});
    for (std::size_t i = 0; i < trace_.tasks.size(); ++i)
      events_.push_back({{"ph", "M"},
                         {"name", "thread_name"},
                         {"pid", trace_.tasks[i].peer + kFirstId},
                         {"tid", i + kFirstId},
                         {"args", {{"name", printable(trace_.tasks[i].name)}}}});
  }

  std::string name_of(const Step& step) const {
    const std::string call = step.call < Call::count_ ? row(step.call).name : "?";
    const bool has_object = step.object < trace_.objects.size();
    return call + '(' + (has_object ? printable(trace_.objects[step.object].name) : "") + ')';
  }

  Json details(const Step& step) const {
    Json args = {{"n", step.n}, {"virtual_ns", step.time_ns}};
    if (step.result < 0)
      args["error"] = errno_name(static_cast<int>(-step.result));
    else if ((step.flags & kUnknownResult) == 0)
      args["result"] = step.result;
    if (!step.detail.empty()) args["arguments"] = printable(step.detail);
    if (!step.data.empty()) args["data"] = printable(step.data);
    if ((step.flags & kInjected) != 0) args["injected"] = true;
    return args;
  }

  void add_call(std::size_t i) {
    const Step& step = trace_.steps[i];
    Json slice = event("X", name_of(step), i);
    slice["dur"] = 1;
    slice["args"] = details(step);
    events_.push_back(std::move(slice));
  }

  // Until the same call goes on, or the end.
  void add_wait(std::size_t i) {
    const Step& step = trace_.steps[i];
    std::size_t end = i + 1;
    while (end < trace_.steps.size() &&
           (trace_.steps[end].task != step.task || trace_.steps[end].event == Event::waits))
      ++end;
    Json slice = event("X", "waits in " + name_of(step), i);
    slice["dur"] = end - i;
    events_.push_back(std::move(slice));
  }

  void add_instant(std::size_t i) {
    const Step& step = trace_.steps[i];
    std::string name;
    switch (step.event) {
      case Event::delivered:
        name = "handler of " + signal_name(static_cast<int>(step.number));
        break;
      case Event::stored:
        name = "stores in " + printable(trace_.objects.at(step.object).name);
        break;
      case Event::died:
        name = "ends";
        break;
      case Event::restarted:
        name = "is started again";
        break;
      case Event::exec:
        name = "exec";
        break;
      case Event::unmanaged:
        name = "not managed: " + printable(step.detail);
        break;
      default:
        return;
    }
    Json instant = event("i", name, i);
    instant["s"] = "t";
    events_.push_back(std::move(instant));
  }

  void add_arrows() {
    std::size_t id = 0;
    for (const Arrow& arrow : arrows(trace_)) {
      Json start = event("s", "sent", arrow.from);
      start["id"] = ++id;
      start["cat"] = "flow";
      events_.push_back(std::move(start));
      Json end = event("f", "sent", arrow.to);
      end["id"] = id;
      end["cat"] = "flow";
      end["bp"] = "e";
      events_.push_back(std::move(end));
    }
  }

  const Trace& trace_;
  Json events_ = Json::array();
};

}  // namespace

std::string perfetto(const Trace& trace) { return Events(trace).json(); }

}  // namespace pipewrench
