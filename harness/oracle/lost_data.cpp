// Oracle: what was sent and never received: bytes that the last close of a pipe discards, messages
// that stay in a queue. Only where the calm run left nothing, and only where it matters: a reader
// that stops early by design (head) shows the same output as ever.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <set>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"
#include "harness/scenario/channel.h"

namespace pipewrench {
namespace {

// What came and went over one object, as far as the trace tells.
struct Flow {
  std::int64_t sent = 0, received = 0;  // bytes; messages of a queue
  bool is_known = true;
  bool saw_end = false;  // a reader got end of file
  std::uint32_t last_send = UINT32_MAX;
  std::set<std::uint32_t> senders, receivers;  // tasks
  std::int64_t left() const { return sent - received; }
};

Flow flow_of(const Trace& trace, std::uint32_t object) {
  Flow flow;
  const bool is_queue = holds_messages(trace.objects[object].kind);
  for (std::uint32_t i = 0; i < trace.steps.size(); ++i) {
    const Step& step = trace.steps[i];
    if (step.object != object || step.event != Event::call) continue;
    if (step.call == Call::splice || step.call == Call::sendfile || step.call == Call::tee ||
        !is_known(trace, step))
      flow.is_known = false;
    if (step.result < 0) continue;
    const std::int64_t amount = is_queue ? 1 : step.result;
    if (is_output(step.call)) {
      flow.sent += amount;
      flow.last_send = i;
      flow.senders.insert(step.task);
    } else if (is_input(step.call)) {
      flow.received += amount;
      flow.receivers.insert(step.task);
      flow.saw_end = flow.saw_end || (!is_queue && step.result == 0);
    }
  }
  return flow;
}

// Whom the calm run let receive, in this run.
std::set<std::uint32_t> receivers_of(const Case& c, const Flow& calm) {
  std::set<std::uint32_t> receivers;
  for (const std::uint32_t task : calm.receivers)
    if (const std::uint32_t found = task_named(c.run, c.calm.tasks[task].name); found != kNobody)
      receivers.insert(found);
  return receivers;
}

bool is_left_behind(const Trace& run, const Object& object) {
  return std::ranges::any_of(run.leftovers, [&](const Leftover& left) {
    return left.kind == object.kind && left.name == object.name;
  });
}

// Who stops where the calm run read to the end, who shows something else, or who leaves it to the
// next run.
bool matters(const Case& c, const Object& object, const Flow& calm, const Flow& run,
             const std::set<std::uint32_t>& receivers) {
  if (holds_messages(object.kind) && is_left_behind(c.run, object)) return true;
  if (calm.saw_end && !run.saw_end) return true;
  return std::ranges::any_of(
      receivers, [&](std::uint32_t task) { return harm_of(c, c.run.tasks[task].peer).any(); });
}

// After a kill: only between two whom it did not touch. Whom it touched may not have come as far as
// to receive, and a receiver that ends otherwise than in the calm run has noticed: what it leaves
// unread is its own decision.
bool is_touched(const Case& c, const Means& means, const Flow& calm, const Flow& run,
                const std::set<std::uint32_t>& receivers) {
  const auto is_victim = [&](std::uint32_t peer) { return means.is_victim_peer(c.run, peer); };
  return std::ranges::any_of(run.senders,
                             [&](auto task) { return is_victim(c.run.tasks[task].peer); }) ||
         std::ranges::any_of(calm.receivers,
                             [&](auto task) { return is_victim(c.calm.tasks[task].peer); }) ||
         std::ranges::any_of(receivers, [&](std::uint32_t task) {
           return harm_of(c, c.run.tasks[task].peer).status;
         });
}

std::string names(const Trace& run, const std::set<std::uint32_t>& tasks) {
  std::vector<std::string> names;
  for (const std::uint32_t task : tasks) names.push_back(name_of(run, task));
  return names.empty() ? "nobody" : listed(names);
}

Verdict verdict_of(const Case& c, std::uint32_t object, const Flow& flow,
                   const std::set<std::uint32_t>& receivers) {
  const Trace& run = c.run;
  const bool is_queue = holds_messages(run.objects[object].kind);
  const Step& last = run.steps[flow.last_send];
  Verdict verdict{.kind = "lost_data",
                  .signature = "lost_data: " + role_of(run, last.task) + " to " +
                               (receivers.empty() ? "nobody" : role_of(run, *receivers.begin())) +
                               " by " + object_role(run, object),
                  .step = flow.last_send};
  for (const std::uint32_t task : receivers) verdict.peers.push_back(run.tasks[task].name);
  verdict.peers.push_back(run.tasks[last.task].name);
  verdict.explanation = std::to_string(flow.left()) + (is_queue ? " messages" : " bytes") +
                        " that were sent, the last by " + numbered(run, last) + ' ' +
                        said(run, last) + ", are never received by " + names(run, receivers) +
                        "; the calm run leaves none.";
  return verdict;
}

bool is_channel(ObjectKind kind) { return is_stream(kind) || holds_messages(kind); }

}  // namespace

std::vector<Verdict> judge_lost_data(const Case& c) {
  std::vector<Verdict> verdicts;
  if (c.is_calm() || at_limit(c.run) || at_limit(c.calm)) return verdicts;
  const Means means = means_of(c.run);
  if (means.did(Deviate::fill) || means.did(Deviate::remove)) return verdicts;
  for (std::uint32_t object = 0; object < c.run.objects.size(); ++object) {
    if (!is_channel(c.run.objects[object].kind)) continue;
    const Flow run = flow_of(c.run, object);
    if (!run.is_known || run.left() <= 0) continue;
    const std::uint32_t twin = same_object(c.run, object, c.calm);
    if (twin == kNoObject) continue;
    const Flow calm = flow_of(c.calm, twin);
    if (!calm.is_known || calm.left() != 0 || calm.sent == 0) continue;
    const std::set<std::uint32_t> receivers = receivers_of(c, calm);
    Verdict verdict = verdict_of(c, object, run, receivers);
    const bool is_bug = means.transparent()
                            ? matters(c, c.run.objects[object], calm, run, receivers)
                            : !is_touched(c, means, calm, run, receivers) && !receivers.empty();
    if (!is_bug) verdict.severity = Severity::note;
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

}  // namespace pipewrench
