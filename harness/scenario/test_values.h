// Random plans and traces for property tests: valid, otherwise as odd as their types allow.
// SPDX-License-Identifier: MIT
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "harness/scenario/trace_fields.h"

namespace pipewrench::test {

inline std::string any_task() {
  return *rc::gen::element<std::string>("writer", "demo1/1", "server:2", "before", "a.2", "-x+_");
}

inline Deviation any_deviation() {
  Deviation d{
      .kind = static_cast<Deviate>(*rc::gen::inRange<int>(0, trace_fields::kDeviates.size())),
      .task = any_task()};
  const auto number = [] { return *rc::gen::inRange<std::uint32_t>(1, UINT32_MAX); };
  if (d.kind != Deviate::restart) d.n = number();
  if (d.kind == Deviate::preempt || d.kind == Deviate::wake) d.other = any_task();
  if (d.kind == Deviate::shorten || d.kind == Deviate::fail)
    d.call = rows()[*rc::gen::inRange<std::size_t>(0, rows().size())].name;
  if (d.kind == Deviate::shorten) d.amount = number();
  if (d.kind == Deviate::fail) d.number = *rc::gen::inRange(1, 4096);
  if (d.kind == Deviate::signal) d.number = *rc::gen::inRange(1, 65);
  return d;
}

inline Plan any_plan() {
  Plan plan(*rc::gen::inRange<std::size_t>(0, 5));
  std::ranges::generate(plan, any_deviation);
  return plan;
}

// Fills what it visits. Indices are what is left for the caller to do.
class Fill {
 public:
  void operator()(const char*, std::string& text) { text = *rc::gen::arbitrary<std::string>(); }
  void operator()(const char*, ObjectKind& kind) { pick(kind, trace_fields::kObjectKinds.size()); }
  void operator()(const char*, Event& event) { pick(event, trace_fields::kEvents.size()); }
  void operator()(const char*, Ending& ending) { pick(ending, trace_fields::kEndings.size()); }
  void operator()(const char*, Call& call) { pick(call, rows().size() + 1); }
  void operator()(const char*, Plan& plan) { plan = any_plan(); }
  void operator()(const char*, std::vector<int>& errors) {
    errors = *rc::gen::container<std::vector<int>>(rc::gen::inRange(1, 4096));
  }

  template <class T>
    requires std::is_arithmetic_v<T>
  void operator()(const char*, T& number) {
    number = *rc::gen::oneOf(rc::gen::arbitrary<T>(), rc::gen::element<T>(0, T(-1)));
  }

  template <class T>
  void operator()(const char*, std::vector<T>& items) {
    items.resize(*rc::gen::inRange<std::size_t>(0, 4));
    for (T& item : items) {
      if constexpr (std::is_arithmetic_v<T>)
        (*this)("", item);
      else
        trace_fields::visit(*this, item);
    }
  }

  void bits(const char* name, auto& value, const auto&) { (*this)(name, value); }

 private:
  template <class E>
  void pick(E& value, std::size_t size) {
    value = static_cast<E>(*rc::gen::inRange<std::size_t>(0, size));
  }
};

inline Trace any_trace() {
  Trace trace;
  Fill fill;
  trace_fields::visit(fill, trace);
  trace.tasks.resize(std::max<std::size_t>(trace.tasks.size(), 1));
  trace.steps.resize(std::max<std::size_t>(trace.steps.size(), 1));
  const auto bound = [](auto& index, std::size_t size) {
    using Index = std::remove_reference_t<decltype(index)>;
    if (size == 0)
      index = Index(-1);
    else if (sizeof index == 2 || index != Index(-1))
      index = static_cast<Index>(index % size);
  };
  const auto within = [](std::uint32_t& index, std::size_t size) {
    index = static_cast<std::uint32_t>(index % size);
  };
  const std::size_t tasks = trace.tasks.size();
  for (Task& task : trace.tasks) {
    bound(task.parent, tasks);
    if (!trace.outputs.empty()) within(task.peer, trace.outputs.size());
  }
  for (Object& object : trace.objects) bound(object.maker, tasks);
  for (Leftover& leftover : trace.leftovers) bound(leftover.maker, tasks);
  for (Step& step : trace.steps) {
    bound(step.task, tasks);
    bound(step.other, tasks);
    bound(step.object, trace.objects.size());
    for (auto& other : step.others) bound(other, tasks);
  }
  for (Waiting& waiting : trace.waiting) {
    within(waiting.task, tasks);
    within(waiting.step, trace.steps.size());
    for (auto& holder : waiting.holders) within(holder, tasks);
  }
  return trace;
}

}  // namespace pipewrench::test
