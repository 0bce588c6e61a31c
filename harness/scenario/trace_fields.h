// The one list of what a trace is made of, in the order of every form: packed, hashed, JSON,
// compared. A visitor is called with the name and a reference of each field; of a const struct,
// const references. Its bits() gets those that are sets of bits, and the names of the bits.
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <type_traits>

#include "harness/scenario/trace.h"

namespace pipewrench::trace_fields {

// The names of each enumeration's values, in order.
constexpr auto kObjectKinds = std::to_array<std::string_view>(
    {"pipe", "fifo", "queue", "segment", "semaphore", "socket", "eventfd", "signalfd", "timerfd",
     "futex", "file", "directory", "tty", "pidfd", "mqueue"});
constexpr auto kEvents =
    std::to_array<std::string_view>({"call", "waits", "delivered", "stored", "born", "exec", "died",
                                     "restarted", "timer", "teardown", "unmanaged"});
constexpr auto kEndings = std::to_array<std::string_view>(
    {"exited", "at_rest", "step_limit", "time_limit", "harness_error"});
constexpr auto kDeviates =
    std::to_array<std::string_view>({"preempt", "shorten", "fail", "kill", "kill_after", "restart",
                                     "signal", "remove", "fill", "wake", "timeout_first"});
// Of Step::flags, from bit 0.
constexpr auto kFlags =
    std::to_array<std::string_view>({"injected", "short", "coalesced", "during", "nonblocking",
                                     "unknown_result", "wild_target", "timed_out", "transparent"});

template <class X, class T>
concept Of = std::same_as<std::remove_const_t<X>, T>;

template <class V>
void visit(V& field, Of<Object> auto& object) {
  field("kind", object.kind);
  field("name", object.name);
  field("maker", object.maker);
  field("mode", object.mode);
  field("made", object.made);
  field("removed", object.removed);
}

template <class V>
void visit(V& field, Of<Task> auto& task) {
  field("name", task.name);
  field("peer", task.peer);
  field("parent", task.parent);
  field("thread", task.thread);
  field("alive", task.alive);
  field("killed_by_plan", task.killed_by_plan);
  field("reaped", task.reaped);
  field("status", task.status);
  field("born", task.born);
  field("died", task.died);
}

template <class V>
void visit(V& field, Of<Step> auto& step) {
  field("task", step.task);
  field("event", step.event);
  field("n", step.n);
  field("call", step.call);
  field("object", step.object);
  field("asked", step.asked);
  field("result", step.result);
  field("number", step.number);
  field("message", step.message);
  field("other", step.other);
  field.bits("flags", step.flags, kFlags);
  field("time_ns", step.time_ns);
  field("detail", step.detail);
  field("data", step.data);
  field("rest", step.rest);
  field("others", step.others);
  field.bits("legal", step.legal, kDeviates);
  field("legal_errors", step.legal_errors);
}

template <class V>
void visit(V& field, Of<Waiting> auto& waiting) {
  field("task", waiting.task);
  field("step", waiting.step);
  field("holders", waiting.holders);
}

template <class V>
void visit(V& field, Of<Leftover> auto& leftover) {
  field("kind", leftover.kind);
  field("name", leftover.name);
  field("maker", leftover.maker);
  field("process", leftover.process);
}

template <class V>
void visit(V& field, Of<Output> auto& output) {
  field("out", output.out);
  field("err", output.err);
  field("cut", output.cut);
}

template <class V>
void visit(V& field, Of<Deviation> auto& deviation) {
  field("kind", deviation.kind);
  field("task", deviation.task);
  field("n", deviation.n);
  field("call", deviation.call);
  field("other", deviation.other);
  field("amount", deviation.amount);
  field("number", deviation.number);
}

template <class V>
void visit(V& field, Of<Trace> auto& trace) {
  field("tasks", trace.tasks);
  field("objects", trace.objects);
  field("steps", trace.steps);
  field("waiting", trace.waiting);
  field("leftovers", trace.leftovers);
  field("outputs", trace.outputs);
  field("plan", trace.plan);
  field("unused", trace.unused);
  field("ending", trace.ending);
  field("unmanaged", trace.unmanaged);
  field("error", trace.error);
}

}  // namespace pipewrench::trace_fields
