// SPDX-License-Identifier: MIT
#include "harness/explore/deviations.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace pipewrench {
namespace {

bool is_transfer(Call call) {
  return call == Call::read || call == Call::write;  // others move what the kernel wants
}

// What has the same rank everywhere: one kind of deviation at one kind of place.
using Place =
    std::tuple<Realism, Deviate, std::string, Call, std::uint32_t, int, std::string, std::uint64_t>;

class Collector {
 public:
  Collector(const Trace& trace, const Scenario& scenario, Realism level)
      : trace_(trace),
        scenario_(scenario),
        level_(level),
        waits_on_(trace.tasks.size(), kNoObject) {}

  std::vector<Unit> collect(std::size_t first) {
    for (std::size_t i = 0; i < trace_.steps.size(); ++i) {
      const Step& step = trace_.steps[i];
      if (step.event == Event::teardown) break;
      if (step.task >= trace_.tasks.size()) continue;
      if (i >= first && step.n != 0) at(step);
      if (step.event == Event::waits) waits_on_[step.task] = step.object;
      if (step.event == Event::call || step.event == Event::died) waits_on_[step.task] = kNoObject;
    }
    order_by_rank();
    return std::move(units_);
  }

 private:
  void at(const Step& step) {
    if (step.event != Event::call && step.event != Event::waits) return;
    const Site site = site_of(trace_, step);
    for (const std::uint16_t other : step.others) {
      if (other >= trace_.tasks.size() || other == step.task) continue;
      add(step, {.kind = Deviate::preempt,
                 .task = site.task,
                 .n = site.n,
                 .other = trace_.tasks[other].name});
    }
    for (const Realism level : kLevels)
      if (level <= level_)
        for (const Deviation& fault : faults_at(site, level)) add(step, fault, {}, level);
    if (has(site.legal, Deviate::wake))
      for (std::size_t task = 0; task < waits_on_.size(); ++task)
        if (waits_on_[task] == step.object && step.object != kNoObject && task != step.task)
          add(step, {.kind = Deviate::wake,
                     .task = site.task,
                     .n = site.n,
                     .other = trace_.tasks[task].name});
    kills(step, site);
  }

  void kills(const Step& step, const Site& site) {
    const Task& task = trace_.tasks[step.task];
    const Deviation restart{.kind = Deviate::restart, .task = site.task};
    const bool is_peer = task.parent == kNobody && !task.thread;
    for (const Deviate kind : {Deviate::kill, Deviate::kill_after}) {
      if (kind == Deviate::kill_after && step.call == Call::exit) continue;
      const Deviation kill{.kind = kind, .task = site.task, .n = site.n};
      add(step, kill);
      if (is_peer) add(step, kill, restart);
    }
    if (!has(site.legal, Deviate::signal) || task.peer >= scenario_.peers.size()) return;
    if (!scenario_.end.peer.empty() && scenario_.peers[task.peer].name != scenario_.end.peer)
      return;
    add(step,
        {.kind = Deviate::signal, .task = site.task, .n = site.n, .number = scenario_.end.signal});
  }

  void add(const Step& step, const Deviation& deviation, std::optional<Deviation> second = {},
           Realism level = Realism::linux_) {
    if (!seen_.emplace(level, print(deviation) + (second ? "+" : "")).second) return;
    Unit unit{.plan = {deviation}, .transparent = is_transparent(deviation), .realism = level};
    if (second) unit.plan.push_back(*second);
    places_.emplace_back(level, deviation.kind, deviation.task, step.call, step.object,
                         deviation.number, deviation.other + (second ? "+" : ""), deviation.amount);
    units_.push_back(std::move(unit));
  }

  // Loops show their bugs in the first round or in the last: rounds in between come later.
  void order_by_rank() {
    std::map<Place, std::uint32_t> count;
    for (std::size_t i = 0; i < units_.size(); ++i) units_[i].rank = count[places_[i]]++;
    std::multimap<std::pair<Realism, std::uint32_t>, Unit> ordered;  // equal keys stay in order
    for (std::size_t i = 0; i < units_.size(); ++i) {
      Unit& unit = units_[i];
      unit.rank = std::min(2 * unit.rank, 2 * (count[places_[i]] - 1 - unit.rank) + 1);
      ordered.emplace(std::pair(unit.realism, unit.rank), std::move(unit));
    }
    units_.clear();
    for (auto& [place, unit] : ordered) units_.push_back(std::move(unit));
  }

  const Trace& trace_;
  const Scenario& scenario_;
  Realism level_;
  std::vector<std::uint32_t> waits_on_;  // of each task
  std::vector<Unit> units_;
  std::vector<Place> places_;  // of each unit
  std::set<std::pair<Realism, std::string>> seen_;
};

// What no system gives in this state: an interruption without a handler, "it would block" to who
// may wait (signal(7), open(2), msgop(2), semop(2)).
bool contradicts(const Site& site, int error_number) {
  switch (error_number) {
    case EINTR:
      return !has(site.legal, Deviate::signal) && site.call != Call::semop &&
             site.call != Call::epoll_wait && site.call != Call::sigtimedwait;
    case EAGAIN:
      return site.call != Call::fork && site.call != Call::timer && !site.nonblocking;
    case ENOMSG:
      return !site.nonblocking;
    case ENXIO:
      return site.call == Call::open && !site.nonblocking;
    default:
      return false;
  }
}

Realism level_of(const Site& site, int error_number) {
  if (std::ranges::find(site.legal_errors, error_number) != site.legal_errors.end())
    return Realism::linux_;
  // Linux gives it too, but not in this state of this process.
  for (unsigned n = 0; const Fault* fault = nth_fault(site.call, Realism::hostile, n); ++n)
    if (fault->effect == Effect::fail && fault->error_number == error_number)
      return contradicts(site, error_number) ? Realism::hostile
                                             : std::max(fault->realism, Realism::posix);
  return Realism::hostile;
}

}  // namespace

Site site_of(const CallView& call) {
  return {.task = std::string(call.who.name),
          .n = call.who.n,
          .call = call.who.call,
          .asked = call.asked,
          .nonblocking = call.nonblocking,
          .legal = call.legal,
          .legal_errors = call.legal_errors};
}

Site site_of(const Trace& trace, const Step& step) {
  // What a read got is a better measure than what it had room for.
  const bool is_read = step.call == Call::read || step.call == Call::recv;
  const std::uint64_t moved = step.result > 0 ? static_cast<std::uint64_t>(step.result) : 0;
  return {.task = trace.tasks[step.task].name,
          .n = step.n,
          .call = step.call,
          .asked = is_read && step.event == Event::call ? moved : step.asked,
          .nonblocking = (step.flags & kNonblocking) != 0,
          .legal = step.legal,
          .legal_errors = step.legal_errors};
}

const Step* step_of(const Trace& run, const Deviation& deviation) {
  for (const Step& step : run.steps)
    if (step.n == deviation.n && step.task < run.tasks.size() &&
        run.tasks[step.task].name == deviation.task)
      return &step;
  return nullptr;
}

std::vector<Deviation> faults_at(const Site& site, Realism level) {
  std::vector<Deviation> faults;
  const auto& known = row(site.call);
  const auto fault = [&](Deviate kind) {
    return Deviation{.kind = kind, .task = site.task, .n = site.n};
  };
  // Beyond Linux any amount: which of them Linux too would move is known only when it is played.
  const bool may_shorten = level == Realism::linux_
                               ? has(site.legal, Deviate::shorten)
                               : level == Realism::posix && is_transfer(site.call);
  if (may_shorten && site.asked > 1)
    for (const std::uint64_t amount : std::set{std::uint64_t{1}, site.asked / 2, site.asked - 1}) {
      Deviation shorter = fault(Deviate::shorten);
      shorter.call = known.name;
      shorter.amount = amount;
      faults.push_back(shorter);
    }
  const auto fails = [&](int error) {
    Deviation failing = fault(Deviate::fail);
    failing.call = known.name;
    failing.number = error;
    faults.push_back(failing);
  };
  if (level == Realism::linux_) {
    for (const int error : site.legal_errors) fails(error);
  } else {
    for (unsigned n = 0; const Fault* known_fault = nth_fault(site.call, level, n); ++n)
      if (known_fault->effect == Effect::fail && level_of(site, known_fault->error_number) == level)
        fails(known_fault->error_number);
  }
  if (level != Realism::linux_) return faults;
  for (const Deviate kind : {Deviate::timeout_first, Deviate::remove, Deviate::fill})
    if (has(site.legal, kind)) faults.push_back(fault(kind));
  return faults;
}

Realism level_of(const Deviation& deviation, const CallView& call) {
  if (deviation.kind == Deviate::shorten) {
    const bool is_legal = has(call.legal, Deviate::shorten) && deviation.amount >= call.shortest &&
                          deviation.amount <= call.longest;
    return is_legal ? Realism::linux_ : Realism::posix;
  }
  if (deviation.kind != Deviate::fail) return Realism::linux_;
  return level_of(site_of(call), deviation.number);
}

bool is_transparent(const Deviation& deviation) {
  switch (deviation.kind) {
    case Deviate::preempt:
    case Deviate::shorten:
    case Deviate::wake:
    case Deviate::timeout_first:
      return true;
    case Deviate::fail:
      return deviation.number == EINTR;
    default:
      return false;
  }
}

std::vector<Unit> units_of(const Trace& trace, std::size_t first, const Scenario& scenario,
                           Realism level) {
  return Collector(trace, scenario, level).collect(first);
}

}  // namespace pipewrench
