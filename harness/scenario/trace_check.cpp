// SPDX-License-Identifier: MIT
#include "harness/scenario/trace_check.h"

#include <algorithm>

#include "harness/scenario/trace_fields.h"

namespace pipewrench {
namespace {

class Check {
 public:
  explicit Check(const Trace& trace) : trace_(trace) {}

  std::string problem() {
    for (const Task& task : trace_.tasks) {
      is_task("tasks: parent", task.parent);
      if (!trace_.outputs.empty()) is_below("tasks: peer", task.peer, trace_.outputs.size());
    }
    for (const Object& object : trace_.objects) {
      is_kind("objects: kind", object.kind);
      is_task("objects: maker", object.maker);
    }
    for (const Step& step : trace_.steps) check(step);
    for (const Waiting& waiting : trace_.waiting) {
      is_below("waiting: task", waiting.task, trace_.tasks.size());
      is_below("waiting: step", waiting.step, trace_.steps.size());
      for (const std::uint32_t holder : waiting.holders)
        is_below("waiting: holders", holder, trace_.tasks.size());
    }
    for (const Leftover& leftover : trace_.leftovers) {
      is_kind("leftovers: kind", leftover.kind);
      is_task("leftovers: maker", leftover.maker);
    }
    for (const Plan* plan : {&trace_.plan, &trace_.unused})
      for (const Deviation& deviation : *plan)
        is_below("plan: kind", static_cast<std::size_t>(deviation.kind),
                 trace_fields::kDeviates.size());
    is_below("ending", static_cast<std::size_t>(trace_.ending), trace_fields::kEndings.size());
    return problem_;
  }

 private:
  void check(const Step& step) {
    is_below("steps: event", static_cast<std::size_t>(step.event), trace_fields::kEvents.size());
    is_below("steps: call", static_cast<std::size_t>(step.call),
             static_cast<std::size_t>(Call::count_) + 1);
    is_task("steps: task", step.task);
    is_task("steps: other", step.other);
    if (step.object != kNoObject) is_below("steps: object", step.object, trace_.objects.size());
    for (const std::uint16_t other : step.others)
      is_below("steps: others", other, trace_.tasks.size());
    for (const int error : step.legal_errors)  // errno(3)
      is_below("steps: legal_errors", static_cast<std::size_t>(error), 4096);
  }

  void is_task(const char* where, std::uint32_t task) {
    if (task != kNobody) is_below(where, task, trace_.tasks.size());
  }

  void is_kind(const char* where, ObjectKind kind) {
    is_below(where, static_cast<std::size_t>(kind), trace_fields::kObjectKinds.size());
  }

  void is_below(const char* where, std::size_t index, std::size_t size) {
    if (index >= size && problem_.empty())
      problem_ = std::string(where) + ": " + std::to_string(index) + " of " + std::to_string(size);
  }

  const Trace& trace_;
  std::string problem_;
};

}  // namespace

std::string trace_problem(const Trace& trace) { return Check(trace).problem(); }

}  // namespace pipewrench
