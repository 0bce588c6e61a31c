// Traces by hand, for tests: reads like a story. Objects and calls come into being when they are
// first named.
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include "harness/core/check.h"
#include "harness/scenario/test_kinds.h"
#include "harness/scenario/trace.h"

namespace pipewrench::test {

class TraceBuilder {
 public:
  // "writer", "reader"; "writer/1" is a fork of the first and "reader:2" a thread of the second.
  TraceBuilder(std::initializer_list<const char*> tasks) {
    for (const std::string_view name : tasks) born(name);
  }

  TraceBuilder& born(std::string_view name) {
    const std::size_t end = name.find_last_of("/:");
    Task task{.name = std::string(name), .alive = true};
    if (end == name.npos)
      task.peer = peers_++;
    else
      task.parent = at(name.substr(0, end)), task.peer = trace.tasks[task.parent].peer;
    task.thread = end != name.npos && name[end] == ':';
    task.born = static_cast<std::uint32_t>(trace.steps.size());
    trace.tasks.push_back(task);
    trace.outputs.resize(peers_);
    return *this;
  }
  TraceBuilder& does(std::string_view task, Call call, const std::string& object,
                     std::int64_t result = 0, const std::string& data = "") {
    Step& step = add(Event::call, task, object);
    step.call = call;
    step.result = result;
    step.data = data;
    step.n = ++calls_[step.task];
    return *this;
  }
  TraceBuilder& writes(std::string_view task, const std::string& to, const std::string& data) {
    return does(task, Call::write, to, static_cast<std::int64_t>(data.size()), data);
  }
  TraceBuilder& reads(std::string_view task, const std::string& from, const std::string& data) {
    return does(task, Call::read, from, static_cast<std::int64_t>(data.size()), data);
  }
  TraceBuilder& writes_short(std::string_view task, const std::string& to, const std::string& data,
                             const std::string& rest) {
    writes(task, to, data);
    Step& step = last();
    step.rest = rest;
    step.asked = data.size() + rest.size();
    step.flags = kShort | kInjected | kTransparent;
    return *this;
  }
  TraceBuilder& kills(std::string_view task, std::string_view target, int signal) {
    does(task, Call::kill, "");
    last().other = at(target);
    last().number = signal;
    return *this;
  }
  TraceBuilder& handles(std::string_view task, int signal, std::uint16_t flags = 0) {
    Step& step = add(Event::delivered, task, "");
    step.number = signal;
    step.flags = flags;
    return *this;
  }
  TraceBuilder& stores(std::string_view task, const std::string& segment, const std::string& data) {
    add(Event::stored, task, segment).data = data;
    return *this;
  }
  // Blocks, and is still blocked when the run ends.
  TraceBuilder& rests(std::string_view task, Call call, const std::string& object,
                      std::initializer_list<const char*> holders = {}) {
    Step& step = add(Event::waits, task, object);
    step.call = call;
    step.n = calls_[step.task] + 1;
    Waiting waiting{.task = step.task, .step = static_cast<std::uint32_t>(trace.steps.size() - 1)};
    for (const char* holder : holders) waiting.holders.push_back(at(holder));
    trace.waiting.push_back(waiting);
    trace.ending = Ending::at_rest;
    return *this;
  }
  TraceBuilder& exits(std::string_view task, int code = 0) { return ends(task, code << 8); }
  TraceBuilder& dies(std::string_view task, int signal) { return ends(task, signal); }
  TraceBuilder& killed(std::string_view task) {
    trace.tasks[at(task)].killed_by_plan = true;
    return ends(task, 9);
  }
  TraceBuilder& prints(std::string_view peer, const std::string& text) {
    trace.outputs[task(peer).peer].out += text;
    return *this;
  }
  TraceBuilder& leaves(const std::string& name) {
    const Object& left = object(name);
    trace.leftovers.push_back({.kind = left.kind, .name = name, .maker = left.maker});
    return *this;
  }
  TraceBuilder& plan(std::string_view text) {
    return trace.plan = parse_plan(text, "plan").value(), *this;
  }

  Step& last() { return trace.steps.back(); }
  Task& task(std::string_view name) { return trace.tasks[at(name)]; }
  Object& object(const std::string& name) { return trace.objects[object_at(name)]; }

  Trace trace;

 private:
  std::uint32_t at(std::string_view name) const {
    for (std::size_t i = trace.tasks.size(); i-- > 0;)
      if (trace.tasks[i].name == name) return static_cast<std::uint32_t>(i);
    CHECK(name.empty());
    return kNobody;
  }
  std::uint32_t object_at(const std::string& name) {
    if (name.empty()) return kNoObject;
    for (std::uint32_t i = 0; i < trace.objects.size(); ++i)
      if (trace.objects[i].name == name) return i;
    trace.objects.push_back({.kind = kind_of_name(name), .name = name, .mode = 0600});
    return static_cast<std::uint32_t>(trace.objects.size() - 1);
  }
  Step& add(Event event, std::string_view task, const std::string& object) {
    Step step{.event = event, .task = at(task)};
    step.object = object_at(object);
    if (!object.empty() && trace.objects[step.object].maker == kNobody)
      trace.objects[step.object].maker = step.task;
    trace.steps.push_back(step);
    return trace.steps.back();
  }
  TraceBuilder& ends(std::string_view name, int status) {
    add(Event::died, name, "").result = status;
    Task& dead = task(name);
    dead.alive = false;
    dead.status = status;
    dead.died = static_cast<std::uint32_t>(trace.steps.size() - 1);
    return *this;
  }

  std::uint32_t peers_ = 0;
  std::map<std::uint32_t, std::uint32_t> calls_;
};

}  // namespace pipewrench::test
