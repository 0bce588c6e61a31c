// Oracle: what a task does after a short write (the rest never sent, sent too late, or all sent
// again), and readers that take each read for one record. Judged where a task wrote as it was told
// to; the dead and the victims are left alone.
// SPDX-License-Identifier: MIT
#include <algorithm>
#include <vector>

#include "harness/oracle/means.h"
#include "harness/oracle/rows.h"
#include "harness/oracle/runs.h"
#include "harness/oracle/words.h"

namespace pipewrench {
namespace {

bool is_stream_write(const Trace& run, const Step& step) {
  return step.event == Event::call && (step.call == Call::write || step.call == Call::send) &&
         step.object < run.objects.size() && is_stream(run.objects[step.object].kind);
}

bool has_prefix(const std::string& text, const std::string& prefix) {
  const std::size_t common = std::min(text.size(), prefix.size());
  return common > 0 && text.compare(0, common, prefix, 0, common) == 0;
}

// The process goes on with it: another thread may have the rest.
bool is_same_process(const Trace& run, std::uint32_t one, std::uint32_t other) {
  if (one == other) return true;
  return run.tasks[one].peer == run.tasks[other].peer &&
         (run.tasks[one].thread || run.tasks[other].thread);
}

const Step* next_write(const Trace& run, const Step& from) {
  for (const Step* step = &from + 1; step != run.steps.data() + run.steps.size(); ++step)
    if (is_stream_write(run, *step) && step->object == from.object &&
        is_same_process(run, from.task, step->task))
      return step;
  return nullptr;
}

const Step* written_between(const Trace& run, const Step& from, const Step& to) {
  const auto is_other = [&](const Step& step) {
    return is_stream_write(run, step) && step.object == from.object && step.result > 0 &&
           !is_same_process(run, from.task, step.task);
  };
  const auto found = std::find_if(&from + 1, &to, is_other);
  return found == &to ? nullptr : found;
}

Verdict verdict_of(const Trace& run, const Step& step, const std::string& kind,
                   const std::string& cause) {
  return {.kind = kind,
          .signature = kind + ": " + role_of(run, step.task) + ' ' + said_role(run, step),
          .peers = {run.tasks[step.task].name},
          .step = static_cast<std::uint32_t>(&step - run.steps.data()),
          .explanation = numbered(run, step) + ' ' + said(run, step) + " takes only " +
                         std::to_string(step.result) + " of " + std::to_string(step.asked) +
                         " bytes, and " + cause + '.'};
}

bool reads_from(const Trace& trace, std::uint32_t task, std::uint32_t object) {
  return task != kNobody && object != kNoObject &&
         std::ranges::any_of(trace.steps, [&](const Step& step) {
           return step.task == task && step.object == object && is_input(step.call);
         });
}

// Nobody is left to take the rest, and there are ways to learn that other than to try: poll(2),
// SIGCHLD.
bool reader_was_killed(const Case& c, std::uint32_t object) {
  const Means means = means_of(c.run);
  return std::ranges::any_of(means.victims, [&](const Victim& victim) {
    return (victim.how == Deviate::kill || victim.how == Deviate::kill_after) &&
           (reads_from(c.run, victim.task, object) ||
            reads_from(c.calm, calm_twin(c, victim.task), same_object(c.run, object, c.calm)));
  });
}

void look_at_short(const Case& c, const Step& step, std::vector<Verdict>& verdicts) {
  const Trace& run = c.run;
  const Step* next = next_write(run, step);
  if (next == nullptr) {
    if (reader_was_killed(c, step.object)) return;
    // A program that gives up says so by its status; one that goes on has not looked.
    const std::uint32_t main = main_task(run, run.tasks[step.task].peer);
    const Task& writer = run.tasks[step.task];
    const bool has_given_up =
        writer.alive || writer.status != 0 || !is_dead(run, main) || run.tasks[main].status != 0;
    if (!has_given_up)
      verdicts.push_back(verdict_of(run, step, "lost_data", "the rest is never sent"));
    return;
  }
  if (next->result < 0 || next->data.empty()) return;  // it has tried, or nobody saw with what
  if (has_prefix(next->data, step.rest)) {
    if (const Step* other = written_between(run, step, *next); other != nullptr)
      verdicts.push_back(verdict_of(run, step, "torn_data",
                                    numbered(run, *other) + " writes before the rest follows: "
                                                            "the record is torn"));
    return;
  }
  if (has_prefix(next->data, step.data) && step.data.size() > 1)
    verdicts.push_back(
        verdict_of(run, step, "duplicated_data", "what was taken is then sent once more"));
  else
    verdicts.push_back(
        verdict_of(run, step, "lost_data", "it goes on with other data: the rest is never sent"));
}

bool is_stream_read(const Trace& trace, const Step& step) {
  return step.event == Event::call && (step.call == Call::read || step.call == Call::recv) &&
         step.result > 0 && step.object < trace.objects.size() && is_known(trace, step) &&
         is_stream(trace.objects[step.object].kind);
}

// The sizes of a peer's reads from an object, in order.
std::vector<const Step*> reads_of(const Trace& trace, std::uint32_t peer) {
  std::vector<const Step*> reads;
  for (const Step& step : trace.steps)
    if (is_stream_read(trace, step) && trace.tasks[step.task].peer == peer) reads.push_back(&step);
  return reads;
}

// The first read that took other bytes than the calm run's, from an object that both know.
const Step* first_other_read(const Case& c, std::uint32_t peer) {
  const std::vector<const Step*> calm = reads_of(c.calm, peer);
  const std::vector<const Step*> run = reads_of(c.run, peer);
  for (std::size_t i = 0; i < std::min(calm.size(), run.size()); ++i) {
    if (object_role(c.calm, calm[i]->object) != object_role(c.run, run[i]->object)) return nullptr;
    if (calm[i]->result == run[i]->result) continue;
    const bool is_same_stream = has_prefix(calm[i]->data, run[i]->data);
    return is_same_stream ? run[i] : nullptr;
  }
  return nullptr;
}

// The output differs, and so does the first place where the stream was cut: the reader trusts the
// cuts.
void look_at_reads(const Case& c, std::uint32_t peer, std::vector<Verdict>& verdicts) {
  if (!harm_of(c, peer).any()) return;
  const Step* read = first_other_read(c, peer);
  if (read == nullptr) return;
  verdicts.push_back(
      {.kind = "torn_data",
       .signature = "torn_data: " + role_of(c.run, read->task) + ' ' + said_role(c.run, *read),
       .peers = {c.run.tasks[read->task].name},
       .step = static_cast<std::uint32_t>(read - c.run.steps.data()),
       .explanation =
           numbered(c.run, *read) + ' ' + said(c.run, *read) + " gets " +
           std::to_string(read->result) +
           " bytes, cut elsewhere than in the calm run, and takes them for whole records."});
}

}  // namespace

std::vector<Verdict> judge_torn_data(const Case& c) {
  std::vector<Verdict> verdicts;
  const Means means = means_of(c.run);
  if (!at_limit(c.run))
    for (const Step& step : c.run.steps)
      if (is_stream_write(c.run, step) && (step.flags & kShort) != 0 && step.result > 0 &&
          !step.rest.empty() && !means.is_victim(step.task))
        look_at_short(c, step, verdicts);
  if (!c.is_calm() && means.transparent())
    for (std::uint32_t peer = 0; peer < c.scenario.peers.size(); ++peer)
      look_at_reads(c, peer, verdicts);
  return verdicts;
}

}  // namespace pipewrench
