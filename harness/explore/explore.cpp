// SPDX-License-Identifier: MIT
#include "harness/explore/explore.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "harness/explore/strategy.h"
#include "harness/explore/suspicion.h"
#include "harness/explore/sweep.h"
#include "harness/oracle/words.h"
#include "harness/scenario/trace_bytes.h"
#include "harness/scenario/trace_diff.h"

namespace pipewrench {
namespace {

constexpr unsigned kMaxTries = 3;  // to make an unstable cause certain

struct Known {
  unsigned tries = 0;
  bool note = false, unstable = false;
  std::size_t deviations = 0;
  Realism realism = Realism::linux_;
};

std::string cause_of(const Verdict& verdict) { return verdict.kind + ": " + verdict.signature; }

class Explorer {
 public:
  Explorer(Pool& pool, const ExploreOptions& options, Watcher& watcher)
      : pool_(pool), options_(options), watcher_(watcher) {}

  Exploration explore() {
    if (learn_calm()) {
      make_strategies();
      search();
    }
    for (const std::string& death : pool_.deaths()) error(death);
    return std::move(result_);
  }

 private:
  struct Underway {
    Request request;
    Pool::Ticket ticket = 0;
    Strategy* strategy = nullptr;
    std::optional<Pool::Ticket> twin{};  // the same request once more
  };

  bool learn_calm() {
    const Request calm{.want_trace = true};
    const Answer answer = ask(calm);
    const Answer again = ask(calm);
    if (answer.ending == Ending::harness_error) return false;
    if (auto trace = unpack(answer.trace)) calm_ = std::move(*trace);
    if (answer.ending == Ending::step_limit)
      remark("the calm run does not end: runs are cut after " +
             std::to_string(pool_.scenario().limits.steps) + " calls");
    compare(answer, again);
    tell_baseline();
    calm_answers_.push_back(again);
    judge(answer);
    return watcher_.go_on(result_.progress);
  }

  // A calm run that is other than its author thinks must not become the measure unseen.
  void tell_baseline() {
    constexpr std::size_t kMaxTold = 8;
    std::vector<std::string> fates;
    for (std::uint32_t i = 0; i < calm_.tasks.size() && fates.size() < kMaxTold; ++i) {
      const Task& task = calm_.tasks[i];
      const bool is_peer = task.parent == kNobody && !task.thread;
      if (is_peer ? task.alive || task.status != 0 : task.alive && !task.thread)
        fates.push_back(name_of(calm_, i) + ' ' + fate(calm_, i));
    }
    // stdio keeps what goes to a file, and who is killed loses it.
    const auto is_silent = [](const Output& output) { return output.out.empty(); };
    if (calm_.ending != Ending::exited && std::ranges::all_of(calm_.outputs, is_silent))
      remark(
          "nothing was printed before the peers were told to end: --tty, or tty = true in a "
          "scenario, shows each line at once");
    if (!fates.empty())
      remark("the calm run is what all others are compared with: in it " + listed(fates));
  }

  void make_strategies() {
    const Ground ground{pool_.scenario(), calm_, options_.realism, options_.seed};
    for (const StrategyKind kind : options_.strategies) {
      if (kind == StrategyKind::sweep) {
        auto sweep = std::make_unique<Sweep>(ground);
        sweep_ = sweep.get();
        strategies_.push_back(std::move(sweep));
      } else if (kind == StrategyKind::pct) {
        strategies_.push_back(make_pct(ground));
        remark("pct: " + pct_bound(calm_));
      } else {
        strategies_.push_back(make_random(ground));
      }
    }
  }

  void search() {
    std::deque<Underway> underway;
    bool goes_on = true;
    while (true) {
      while (goes_on && underway.size() < kWindow && submitted_ < options_.runs)
        if (auto next = propose()) {
          underway.push_back(std::move(*next));
        } else {
          break;
        }
      if (underway.empty()) return;
      const Underway first = std::move(underway.front());
      underway.pop_front();
      const Answer answer = pool_.wait(first.ticket);
      count(answer);
      if (first.twin) {
        const Answer twin = pool_.wait(*first.twin);
        count(twin);
        compare(answer, twin);
      }
      first.strategy->learn(first.request, answer);
      // What is still on its way is nobody's loss, and may take long.
      if (!watcher_.go_on(result_.progress)) return;
      // What is found while the last runs come in is kept, if it can still be made certain.
      if (goes_on || submitted_ >= options_.runs) judge(answer);
      goes_on = goes_on && result_.findings.size() < kMaxFindings;
    }
  }

  // Single deviations first; then the strategies take turns.
  std::optional<Underway> propose() {
    for (std::size_t tries = 0; tries < strategies_.size(); ++tries) {
      Strategy* strategy = sweep_ != nullptr && sweep_->is_at_singles()
                               ? sweep_
                               : strategies_[turn_++ % strategies_.size()].get();
      auto request = strategy->next();
      if (!request) continue;
      Underway next{.request = std::move(*request), .strategy = strategy};
      const bool twice = submitted_ % kTwiceEvery == 0 && submitted_ + 2 <= options_.runs;
      if (twice) next.request.want_trace = true;
      next.ticket = pool_.submit(next.request);
      if (twice) next.twin = pool_.submit(next.request);
      submitted_ += twice ? 2 : 1;
      return next;
    }
    return {};
  }

  Answer ask(const Request& request) {
    ++submitted_;
    Answer answer = pool_.run(request);
    count(answer);
    return answer;
  }

  bool may_shrink() {
    const bool is_beyond =
        submitted_ > options_.runs && submitted_ - options_.runs >= most_beyond(options_.runs);
    return !is_beyond && watcher_.may_shrink(result_.progress);
  }

  void count(const Answer& answer) {
    Progress& progress = result_.progress;
    ++progress.runs;
    progress.steps += answer.steps;
    if (answer.unmanaged > 0) ++progress.unmanaged;
    for (const std::string& what : answer.unmanaged_of) add(result_.unmanaged, what);
    if (answer.ending == Ending::harness_error) {
      ++progress.harness_errors;
      error(answer.error);
    } else if (behaviours_.insert(answer.behaviour).second) {
      ++progress.behaviours;
      progress.last_new_run = progress.runs;
    }
  }

  void compare(const Answer& answer, const Answer& again) {
    if (answer.trace_hash == again.trace_hash || answer.ending == Ending::harness_error) return;
    if (std::exchange(is_told_nondeterministic_, true)) return;
    const auto first = unpack(answer.trace), second = unpack(again.trace);
    if (first && second) note_noise(*first, *second);
    if (first && second) remark("not deterministic: " + first_difference(*first, *second));
  }

  // Who prints something else each time, without any plan, is not compared.
  void note_noise(const Trace& first, const Trace& second) {
    const std::size_t peers = std::min(first.outputs.size(), second.outputs.size());
    for (std::uint32_t i = 0; i < first.tasks.size(); ++i) {
      const std::uint32_t peer = first.tasks[i].peer;
      if (peer < peers && first.outputs[peer].out != second.outputs[peer].out)
        noisy_.insert(first.tasks[i].name);
    }
  }
  bool is_noise(const Verdict& verdict) const {
    return verdict.kind == "output" && std::ranges::any_of(verdict.peers, [&](const auto& peer) {
             return noisy_.contains(peer);
           });
  }

  Finding look_into(const Verdict& verdict, const Answer& answer) {
    return investigate(
        pool_.scenario(), {verdict, answer.made, answer.realism}, kRepetitions,
        [this](const Request& request) { return ask(request); }, [this] { return may_shrink(); });
  }

  // The same few calm runs serve all that is wrong with them: they may be long.
  Finding look_into_calm(const Verdict& verdict) {
    while (calm_answers_.size() < kRepetitions && may_shrink())
      calm_answers_.push_back(ask({.want_trace = true}));
    std::size_t next = 0;
    return investigate(
        pool_.scenario(), {verdict, {}, Realism::linux_},
        static_cast<unsigned>(calm_answers_.size()),
        [&](const Request&) { return calm_answers_[std::min(next++, calm_answers_.size() - 1)]; },
        [] { return true; });
  }

  void judge(const Answer& answer) {
    for (const Verdict& verdict : answer.verdicts) {
      if (is_noise(verdict)) continue;
      if (!is_new(verdict, answer)) {
        ++result_.progress.known;
        continue;
      }
      // Runs that wait for what spins take a second each. Of the calm run all is told.
      if (!answer.made.empty() && !watcher_.may_shrink(result_.progress)) return;
      if (answer.hasty && verdict.kind != "spin" && is_only_haste(verdict, answer)) continue;
      const std::uint64_t runs = result_.progress.runs;
      Finding finding = answer.made.empty() ? look_into_calm(verdict) : look_into(verdict, answer);
      finding.runs = runs;
      keep(std::move(finding), verdict);
    }
  }

  // Of the sightings of a cause in cut runs the first, second, fourth, eighth ... are looked at
  // again in a much longer run: who polls seems to hang in every cut run, and would leave time for
  // nothing else.
  bool is_only_haste(const Verdict& verdict, const Answer& answer) {
    if (!std::has_single_bit(++hasty_[cause_of(verdict)])) return true;
    const Answer longer = ask({.plan = answer.made, .realism = answer.realism, .certain = true});
    return std::ranges::find(longer.verdicts, key_of(verdict), key_of) == longer.verdicts.end();
  }

  // A finding is worth more than a note of the same cause, what repeats than what does not, what
  // Linux does than what it does not, and a small plan than a large one.
  bool is_new(const Verdict& verdict, const Answer& answer) const {
    const auto known = known_.find(cause_of(verdict));
    if (known == known_.end()) return true;
    if (known->second.unstable) return known->second.tries < kMaxTries;
    const bool is_finding = verdict.severity == Severity::finding;
    if (known->second.note) return is_finding;
    return is_finding && std::pair(answer.realism, answer.made.size()) <
                             std::pair(known->second.realism, known->second.deviations);
  }

  void keep(Finding finding, const Verdict& verdict) {
    Known& known = known_[cause_of(verdict)];
    ++known.tries;
    known.note = finding.note;
    known.unstable = finding.unstable;
    known.deviations = finding.plan.size();
    known.realism = finding.realism;
    std::erase_if(result_.findings, [&](const Finding& worse) {
      return worse.kind == finding.kind && worse.signature == finding.signature;
    });
    result_.findings.push_back(std::move(finding));
    Progress& progress = result_.progress;
    progress.notes =
        static_cast<std::uint64_t>(std::ranges::count_if(result_.findings, &Finding::note));
    progress.findings = result_.findings.size() - progress.notes;
    watcher_.found(result_.findings.back());
  }

  void remark(const std::string& text) { add(result_.remarks, text); }
  void error(const std::string& text) { add(result_.errors, text); }
  static void add(std::vector<std::string>& list, const std::string& text) {
    if (list.size() < kMaxRemarks && std::ranges::find(list, text) == list.end())
      list.push_back(text);
  }

  Pool& pool_;
  const ExploreOptions& options_;
  Watcher& watcher_;
  Exploration result_;
  Trace calm_;
  std::vector<std::unique_ptr<Strategy>> strategies_;
  Sweep* sweep_ = nullptr;
  std::vector<Answer> calm_answers_;  // after the first one
  std::set<std::string> noisy_;       // tasks of such peers
  bool is_told_nondeterministic_ = false;
  std::size_t turn_ = 0;
  std::uint64_t submitted_ = 0;
  std::map<std::string, Known> known_;          // by cause
  std::map<std::string, std::uint64_t> hasty_;  // sightings in cut runs, by cause
  std::unordered_set<std::uint64_t> behaviours_;
};

bool shows_spin(const Answer& answer) {
  return std::ranges::any_of(answer.verdicts, [](const Verdict& one) {
    return one.kind == "spin" && one.severity == Severity::finding;
  });
}

}  // namespace

std::expected<std::unique_ptr<Pool>, std::string> start_search(const Scenario& scenario,
                                                               const ConductorOptions& options,
                                                               unsigned jobs) {
  auto pool = Pool::start(real_recipe(scenario, options), 1);
  if (!pool) return pool;
  const Answer calm = (*pool)->run({});
  const bool ends = calm.ending != Ending::step_limit && calm.ending != Ending::time_limit;
  const std::uint32_t enough = ends ? std::max(kLeastSteps, kTimesCalm * calm.steps) : kLeastSteps;
  Scenario cut = scenario;
  cut.limits.steps = std::min(cut.limits.steps, enough);
  // Who spins in the calm run may keep the others from their turns until late, and nobody knows so
  // early whether one of them would have ended it.
  const bool spins = !ends && shows_spin(calm);
  while (true) {
    auto search = Pool::start(real_recipe(cut, options), jobs);
    if (!search || !spins || cut.limits.steps == scenario.limits.steps ||
        shows_spin((*search)->run({})))
      return search;
    cut.limits.steps = std::min(2 * cut.limits.steps, scenario.limits.steps);
  }
}

Exploration explore(Pool& pool, const ExploreOptions& options, Watcher& watcher) {
  return Explorer(pool, options, watcher).explore();
}

}  // namespace pipewrench
