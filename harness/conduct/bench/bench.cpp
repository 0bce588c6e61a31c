// What the conductor costs, as ratios measured in one run: against spawning and reaping the same
// two programs, against strace(1) injecting into them, and two workers against one. A call's cost
// is the slope between a short and a long exchange, so that starting and ending a run is not in it.
// bench EXCHANGE [RUNS]
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/conduct/conductor.h"

namespace pipewrench {
namespace {

constexpr int kRounds = 5;  // each measures everything once; the medians are shown
constexpr int kNativeRuns = 200, kStraceRuns = 20, kConductedRuns = 200;
constexpr int kShort = 8, kLong = 208;  // records there and back; only the long one's calls repeat
constexpr int kLongRuns = 40;
constexpr int kFlatRuns = 10'000;  // memory and descriptors are compared after a tenth and all

double seconds_of(auto&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

pid_t spawn(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = -1;
  if (posix_spawnp(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return -1;
  return pid;
}

// Both programs at once, as often as asked, in the working directory; false: they fail.
bool spawn_pairs(int times, const std::vector<std::string>& before, const std::string& program,
                 int records) {
  bool good = true;
  for (int i = 0; i < times; ++i) {
    pid_t pids[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<std::string> words = before;
      words.insert(words.end(), {program, side == 0 ? "ping" : "pong", std::to_string(records)});
      pids[side] = spawn(std::move(words));
    }
    for (const pid_t pid : pids) {
      int status = -1;
      good = pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 && good;
    }
    unlink("there");
    unlink("back");
  }
  return good;
}

Scenario exchange(const std::string& program, int records) {
  Scenario scenario;
  scenario.name = "exchange";
  for (const char* side : {"ping", "pong"})
    scenario.peers.push_back({.name = side, .run = {program, side, std::to_string(records)}});
  return scenario;
}

struct Timed {
  double seconds = 0;
  int runs = 0;
  std::uint64_t calls = 0;  // answered by the conductor
  bool good = false;
  [[nodiscard]] double per_second() const { return runs / seconds; }
  [[nodiscard]] double us() const { return seconds * 1e6 / runs; }
  [[nodiscard]] double calls_each() const { return static_cast<double>(calls) / runs; }
};

std::uint64_t calls_of(const Trace& trace) {
  return static_cast<std::uint64_t>(std::ranges::count(trace.steps, Event::call, &Step::event));
}

// In a process of its own: starting a conductor enters namespaces for good.
auto in_child(auto&& work) {
  using Result = decltype(work());
  auto* shared = static_cast<Result*>(
      mmap(nullptr, sizeof(Result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  *shared = Result{};
  const pid_t pid = fork();
  if (pid == 0) {
    *shared = work();
    _exit(0);
  }
  return std::pair{pid, shared};
}

Timed conduct(const std::string& program, int records, int runs, int cpu) {
  auto conductor = Conductor::start({.cpu = cpu});
  if (!conductor) {
    std::fprintf(stderr, "bench: %s\n", conductor.error().c_str());
    return {};
  }
  const Scenario scenario = exchange(program, records);
  Timed result{.runs = runs, .good = true};
  result.seconds = seconds_of([&] {
    for (int i = 0; i < runs; ++i) {
      PlanPolicy calm({});
      const Trace trace = conductor->run(scenario, calm);
      result.calls += calls_of(trace);
      result.good = result.good && trace.ending == Ending::exited;
    }
  });
  return result;
}

// With `before` in front, pinned to one core as a worker and its peers are, or on any.
Timed spawn_on(const std::string& program, int records, int runs,
               const std::vector<std::string>& before, int cpu) {
  const std::string directory = "spawn." + std::to_string(getpid());
  if (mkdir(directory.c_str(), 0700) != 0 || chdir(directory.c_str()) != 0) return {};
  if (cpu >= 0) pin(cpu);
  Timed result{.runs = runs};
  result.seconds = seconds_of([&] { result.good = spawn_pairs(runs, before, program, records); });
  return result;
}

// The same work in so many processes at once; `work` gets the number of its process.
Timed at_once(int processes, auto&& work) {
  std::vector<std::pair<pid_t, Timed*>> children;
  for (int i = 0; i < processes; ++i) children.push_back(in_child([&] { return work(i); }));
  Timed all{.good = true};
  for (const auto& [pid, result] : children) {
    waitpid(pid, nullptr, 0);
    all.seconds = std::max(all.seconds, result->seconds);
    all.runs += result->runs;
    all.calls += result->calls;
    all.good = all.good && result->good;
  }
  return all;
}

struct Held {
  long resident_kB = 0, descriptors = 0;
};

Held held_now() {
  Held held;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmRSS:") status >> held.resident_kB;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++held.descriptors;
  return held;
}

struct Growth {
  Held early, late;
};

Growth growth_of(const std::string& program, int runs) {
  const auto [pid, growth] = in_child([&]() -> Growth {
    auto conductor = Conductor::start({.cpu = 0});
    Growth result;
    if (!conductor) return result;
    const Scenario scenario = exchange(program, kShort);
    for (int i = 1; i <= runs; ++i) {
      PlanPolicy calm({});
      (void)conductor->run(scenario, calm);
      if (i == runs / 10) result.early = held_now();
    }
    result.late = held_now();
    return result;
  });
  waitpid(pid, nullptr, 0);
  return *growth;
}

const std::vector<std::string> kStrace = {
    "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=read:error=EINTR:when=1000"};

// Runs per second of each way, and what a call and a run cost, of every round.
struct Measured {
  std::vector<double> native, conducted, two_workers, scaling, strace, two_straces;
  std::vector<double> call_us, run_us;
};

bool measure_round(const std::string& program, bool has_strace, Measured& all) {
  const auto native = [&](int records, int runs) {
    return at_once(1, [&](int) { return spawn_on(program, records, runs, {}, 0); });
  };
  const auto conducted = [&](int records, int runs, int workers) {
    return at_once(workers, [&](int cpu) { return conduct(program, records, runs, cpu); });
  };
  const Timed bare = native(kShort, kNativeRuns), bare_long = native(kLong, kLongRuns);
  const Timed one = conducted(kShort, kConductedRuns, 1);
  const Timed two = conducted(kShort, kConductedRuns, 2);
  const Timed one_long = conducted(kLong, kLongRuns, 1);
  if (!bare.good || !bare_long.good || !one.good || !two.good || !one_long.good) return false;
  all.native.push_back(bare.per_second());
  all.conducted.push_back(one.per_second());
  all.two_workers.push_back(two.per_second());
  all.scaling.push_back(two.per_second() / one.per_second());
  const double call = (one_long.us() - bare_long.us() - (one.us() - bare.us())) /
                      (one_long.calls_each() - one.calls_each());
  all.call_us.push_back(call);
  all.run_us.push_back(one.us() - bare.us() - call * one.calls_each());
  if (!has_strace) return true;
  const Timed alone =
      at_once(1, [&](int) { return spawn_on(program, kShort, kStraceRuns, kStrace, 0); });
  const Timed both =
      at_once(2, [&](int) { return spawn_on(program, kShort, kStraceRuns, kStrace, -1); });
  all.strace.push_back(alone.per_second());
  all.two_straces.push_back(both.per_second());
  return alone.good && both.good;
}

void print_row(const char* what, double value, double ratio, const char* aim) {
  std::printf("%-48s %8.0f %8.2f  %s\n", what, value, ratio, aim);
}

int run(const std::string& program, int flat_runs) {
  const bool has_strace = std::system("command -v strace >/dev/null") == 0;
  Measured all;
  for (int round = 0; round < kRounds; ++round)
    if (!measure_round(program, has_strace, all)) {
      std::fprintf(stderr, "bench: a run has failed\n");
      return 1;
    }
  const Growth growth = growth_of(program, flat_runs);
  const double native = median(all.native), conducted = median(all.conducted);
  const double two_workers = median(all.two_workers);
  std::printf("%-48s %8s %8s\n", "two processes, one exchange; medians of 5", "runs/s", "ratio");
  print_row("spawned and reaped, one core", native, 1, "");
  print_row("conducted, one worker", conducted, conducted / native, "of spawned, aim 0.60");
  print_row("conducted, two workers", two_workers, median(all.scaling), "of one worker, aim 1.80");
  if (has_strace) {
    const double alone = median(all.strace), both = median(all.two_straces);
    print_row("strace -f -e inject=read, one core", alone, conducted / alone,
              "times as fast, one worker; aim 4");
    print_row("strace twice at once, two cores", both, two_workers / both,
              "times as fast, two workers; aim 4");
  } else {
    std::printf("%-48s %8s\n", "strace -f -e inject=read", "not here");
  }
  std::printf(
      "beyond the bare run: an answered call %.1f us (aim 10), to start and end a run %.0f us\n",
      median(all.call_us), median(all.run_us));
  std::printf("after %d runs, then %d: %ld kB, %ld kB resident; %ld, %ld descriptors\n",
              flat_runs / 10, flat_runs, growth.early.resident_kB, growth.late.resident_kB,
              growth.early.descriptors, growth.late.descriptors);
  return 0;
}

}  // namespace
}  // namespace pipewrench

int main(int argc, char** argv) {
  const int runs = argc == 3 ? std::atoi(argv[2]) : pipewrench::kFlatRuns;
  if (argc < 2 || argc > 3 || runs < 10) {
    std::fprintf(stderr, "usage: bench EXCHANGE [RUNS]\n");
    return 2;
  }
  const std::string program = std::filesystem::absolute(argv[1]);
  char directory[] = "/tmp/pipewrench-bench.XXXXXX";
  if (mkdtemp(directory) == nullptr || chdir(directory) != 0) return 3;
  const int status = pipewrench::run(program, runs);
  std::filesystem::remove_all(directory);
  return status;
}
