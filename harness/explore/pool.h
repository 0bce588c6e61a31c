// Pool: workers and the requests on their way. What is answered does not depend on how many workers
// there are or how fast they are; a worker that dies is replaced. Must not choose plans.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/explore/message.h"
#include "harness/explore/runner.h"
#include "harness/explore/worker.h"

namespace pipewrench {

class Pool {
 public:
  using Ticket = std::uint64_t;

  // Fails with what this machine lacks. `limit_ms`: how long all workers may be silent before they
  // count as hung.
  static std::expected<std::unique_ptr<Pool>, std::string> start(Recipe recipe, unsigned jobs,
                                                                 int limit_ms = kAnswerLimit_ms);

  const Scenario& scenario() const { return recipe_.scenario; }
  // `urgent` goes before what no worker has taken yet.
  Ticket submit(const Request& request, bool urgent = false);
  // The answer, once; Ending::harness_error if two workers died of it.
  Answer wait(Ticket ticket);
  Answer run(const Request& request) { return wait(submit(request, true)); }
  // "a worker was killed by signal 9": each death so far.
  const std::vector<std::string>& deaths() const { return deaths_; }

  static constexpr int kAnswerLimit_ms = 120'000;
  static constexpr std::size_t kInFlight = 2;  // of a worker: it never waits for the next
  static constexpr std::size_t kMaxDeaths = 64;
  static constexpr unsigned kMaxJobs = 64;

 private:
  struct Job {
    Request request;
    unsigned attempts = 0;
  };
  struct Line {  // to one worker
    Worker worker;
    std::string in, out;
    std::deque<Ticket> in_flight;
    bool greeted = false;
  };

  Pool(Recipe recipe, int limit_ms) : recipe_(std::move(recipe)), limit_ms_(limit_ms) {}
  void add_worker(int cpu);
  void dispatch();
  void pump();
  bool read_from(Line& line);
  bool write_to(Line& line);
  void take(Line& line, const std::string& message);
  void lose(std::size_t index);
  void fail(Ticket ticket, const std::string& why);

  Recipe recipe_;
  int limit_ms_;
  std::vector<Line> lines_;
  std::map<Ticket, Job> jobs_;
  std::deque<Ticket> waiting_;
  std::map<Ticket, Answer> done_;
  Ticket last_ = 0;
  std::vector<std::string> deaths_;
  std::size_t lost_ = 0;  // workers that died or gave up
  std::string broken_;    // why no worker can be had
};

}  // namespace pipewrench
