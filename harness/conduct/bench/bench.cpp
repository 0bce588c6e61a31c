// What the conductor costs, as ratios measured in one run: against spawning and reaping the same
// two programs, against strace(1) injecting into them, and two workers against one.
// bench EXCHANGE [RUNS]
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
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

// Both programs at once, as often as asked, in an empty directory of their own; false: they fail.
bool spawn_pairs(int times, const std::vector<std::string>& before, const std::string& program) {
  bool good = true;
  for (int i = 0; i < times; ++i) {
    pid_t pids[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<std::string> words = before;
      words.push_back(program);
      words.push_back(side == 0 ? "ping" : "pong");
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

Scenario exchange(const std::string& program) {
  Scenario scenario;
  scenario.name = "exchange";
  for (const char* side : {"ping", "pong"})
    scenario.peers.push_back({.name = side, .run = {program, side}});
  return scenario;
}

struct Conducted {
  double seconds = 0;
  std::uint64_t calls = 0;
  bool good = false;
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

Conducted conduct(const std::string& program, int runs, int cpu) {
  auto conductor = Conductor::start({.cpu = cpu});
  if (!conductor) {
    std::fprintf(stderr, "bench: %s\n", conductor.error().c_str());
    return {};
  }
  const Scenario scenario = exchange(program);
  Conducted result{.good = true};
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

Conducted conduct_on(const std::string& program, int runs, int workers) {
  std::vector<std::pair<pid_t, Conducted*>> children;
  for (int cpu = 0; cpu < workers; ++cpu)
    children.push_back(in_child([&] { return conduct(program, runs, cpu); }));
  Conducted all{.good = true};
  for (const auto& [pid, result] : children) {
    waitpid(pid, nullptr, 0);
    all.seconds = std::max(all.seconds, result->seconds);
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
    const Scenario scenario = exchange(program);
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

int run(const std::string& program, int flat_runs) {
  const std::vector<std::string> strace = {
      "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=read:error=EINTR:when=1000"};
  std::vector<double> native, traced, conducted, call_us, scaling;
  const bool has_strace = std::system("command -v strace >/dev/null") == 0;
  for (int round = 0; round < kRounds; ++round) {
    // One core for all, as a worker and its peers have.
    const auto [pid, one_core] = in_child([&] {
      pin(0);
      Conducted result;
      result.seconds = seconds_of([&] { result.good = spawn_pairs(kNativeRuns, {}, program); });
      return result;
    });
    waitpid(pid, nullptr, 0);
    const Conducted one = conduct_on(program, kConductedRuns, 1);
    const Conducted two = conduct_on(program, kConductedRuns, 2);
    if (!one_core->good || !one.good || !two.good) {
      std::fprintf(stderr, "bench: a run has failed\n");
      return 1;
    }
    native.push_back(kNativeRuns / one_core->seconds);
    conducted.push_back(kConductedRuns / one.seconds);
    call_us.push_back((one.seconds / kConductedRuns - one_core->seconds / kNativeRuns) * 1e6 *
                      kConductedRuns / static_cast<double>(one.calls));
    scaling.push_back(2 * one.seconds / two.seconds);
    if (has_strace)
      traced.push_back(kStraceRuns /
                       seconds_of([&] { spawn_pairs(kStraceRuns, strace, program); }));
  }
  const Growth growth = growth_of(program, flat_runs);
  std::printf("%-44s %10s %10s\n", "two processes, one exchange; medians of 5", "runs/s", "ratio");
  std::printf("%-44s %10.0f %10s\n", "spawned and reaped, one core", median(native), "1");
  std::printf("%-44s %10.0f %10.2f  aim 0.60\n", "conducted, one worker", median(conducted),
              median(conducted) / median(native));
  if (has_strace)
    std::printf("%-44s %10.0f %10.2f  conducted / strace, aim 4\n", "strace -f -e inject=read",
                median(traced), median(conducted) / median(traced));
  else
    std::printf("%-44s %10s\n", "strace -f -e inject=read", "no strace");
  std::printf("%-44s %10.0f %10.2f  aim 1.80\n", "conducted, two workers",
              median(conducted) * median(scaling), median(scaling));
  std::printf("an answered call costs, beyond the spawn        %.1f us  aim 10\n", median(call_us));
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
