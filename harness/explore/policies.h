// Policies of the search: pct, random, and the one that keeps another within a level of realism.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "harness/conduct/policy.h"
#include "harness/core/prng.h"
#include "harness/syscalls/table.h"

namespace pipewrench {

// Leaves out what `level` does not allow, moves amounts into what Linux could do, and keeps count
// of the lowest level that allows what is left.
class LegalPolicy final : public Policy {
 public:
  LegalPolicy(Policy& inner, Realism level) : inner_(inner), level_(level) {}
  std::size_t choose(std::span<const Candidate> enabled, std::size_t calm) override {
    return inner_.choose(enabled, calm);
  }
  std::optional<Deviation> deviate(const CallView& call) override;
  bool restarts(std::string_view task) override { return inner_.restarts(task); }
  Realism needed() const { return needed_; }

 private:
  Policy& inner_;
  Realism level_;
  Realism needed_ = Realism::linux_;
};

// A plan says `before a#3 run b` and means the first time that a#3 would be next. A chance policy
// that let a#3 go on then does so whenever it is asked again, or its runs could not be put as
// plans.
class Settled {
 public:
  bool is_settled(const Candidate& calm) const;
  void settle(const Candidate& calm);

 private:
  std::map<std::string, std::uint32_t, std::less<>> calls_;  // of each task, the last one let go on
};

// What a chance policy may do to a call, besides changing the order.
struct Chances {
  std::uint64_t seed = 0;
  Realism level = Realism::linux_;
  int end_signal = 0;
};

// Random priorities, of which the running task loses its own at depth-1 drawn calls; every second
// seed plays a fault at such a call instead (Burckhardt et al.: A randomized scheduler with
// probabilistic guarantees of finding bugs, ASPLOS 2010).
class PctPolicy final : public Policy {
 public:
  PctPolicy(const Chances& chances, std::uint32_t depth, std::uint32_t length);
  std::size_t choose(std::span<const Candidate> enabled, std::size_t calm) override;
  std::optional<Deviation> deviate(const CallView& call) override;
  bool restarts(std::string_view task) override;

 private:
  std::uint64_t priority_of(std::string_view task);

  Chances chances_;
  Prng prng_;
  Settled settled_;
  bool faults_ = false;
  std::set<std::uint32_t> change_points_;
  std::map<std::string, std::uint64_t, std::less<>> priorities_;
  std::uint64_t lowest_;  // next priority of whom a change point meets
  std::uint32_t calls_ = 0;
};

// Any task at each step, and now and then a fault.
class RandomPolicy final : public Policy {
 public:
  explicit RandomPolicy(const Chances& chances) : chances_(chances), prng_(chances.seed) {}
  std::size_t choose(std::span<const Candidate> enabled, std::size_t calm) override;
  std::optional<Deviation> deviate(const CallView& call) override;
  bool restarts(std::string_view task) override;

 private:
  Chances chances_;
  Prng prng_;
  Settled settled_;
};

}  // namespace pipewrench
