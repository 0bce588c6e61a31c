// SPDX-License-Identifier: MIT
#include "harness/explore/behaviour.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <string_view>
#include <tuple>
#include <vector>

namespace pipewrench {
namespace {

constexpr std::uint64_t kStart = 0xcbf29ce484222325;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash ^= value;
  hash *= 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

std::uint64_t mix(std::uint64_t hash, std::string_view text) {
  return mix(hash, XXH3_64bits(text.data(), text.size()));
}

auto essence(const Step& step) {
  return std::tie(step.event, step.call, step.task, step.n, step.object, step.result, step.number);
}

}  // namespace

std::uint64_t behaviour_of(const Trace& trace) {
  std::vector<std::uint64_t> tasks(trace.tasks.size(), kStart);
  std::vector<std::uint64_t> objects(trace.objects.size(), kStart);
  for (const Step& step : trace.steps) {
    // That a call had to wait shows in what the others did first.
    if (step.task >= tasks.size() || step.event == Event::waits) continue;
    std::uint64_t what = mix(kStart, static_cast<std::uint64_t>(step.event));
    what = mix(what, static_cast<std::uint64_t>(step.call));
    what = mix(what, static_cast<std::uint64_t>(step.result));
    what = mix(what, static_cast<std::uint64_t>(step.number));
    what = mix(what, step.flags & (kCoalesced | kDuring | kWildTarget | kTimedOut));
    if (step.object < objects.size()) {
      std::uint64_t& object = objects[step.object];
      object = mix(mix(object, trace.tasks[step.task].name), what);
      what = mix(what, trace.objects[step.object].name);
    }
    tasks[step.task] = mix(tasks[step.task], what);
  }
  // A sum: the order of births is no part of it.
  std::uint64_t all = mix(kStart, static_cast<std::uint64_t>(trace.ending));
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Task& task = trace.tasks[i];
    const std::uint64_t end = mix(static_cast<std::uint64_t>(task.status), task.alive ? 1 : 2);
    all += mix(mix(tasks[i], task.name), end);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) all += mix(objects[i], trace.objects[i].name);
  for (const Output& output : trace.outputs) all = mix(mix(all, output.out), output.err);
  return all;
}

std::size_t first_divergence(const Trace& a, const Trace& b) {
  const auto [in_a, in_b] = std::ranges::mismatch(
      a.steps, b.steps, [](const Step& x, const Step& y) { return essence(x) == essence(y); });
  return static_cast<std::size_t>(in_a - a.steps.begin());
}

}  // namespace pipewrench
