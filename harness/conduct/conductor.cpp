// SPDX-License-Identifier: MIT
#include "harness/conduct/conductor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "harness/conduct/calls.h"
#include "harness/conduct/paths.h"
#include "harness/conduct/schedule.h"
#include "harness/conduct/stage.h"
#include "harness/conduct/sysv.h"

namespace pipewrench {
namespace {

// The tear-down gets its own, shorter limits.
constexpr std::uint32_t kTeardownSteps = 2'000;
constexpr std::uint64_t kTeardownTime_ns = 60'000'000'000;
constexpr int kMostDepth = 16;

void set_limit(const char* name, std::uint64_t value) {
  if (value == 0) return;
  const Fd file(open((std::string("/proc/sys/kernel/") + name).c_str(), O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(value);
  if (file) (void)!write(file.get(), text.data(), text.size());
}

void set_up_files(const Run& run) {
  for (const SetupFile& wanted : run.scenario.setup.files) {
    const std::string path = run.stage.sandbox() + "/" + wanted.path;
    switch (wanted.kind) {
      case SetupFile::Kind::fifo:
        mkfifo(path.c_str(), 0600);
        break;
      case SetupFile::Kind::directory:
        mkdir(path.c_str(), 0700);
        break;
      case SetupFile::Kind::link:
        (void)!symlink(wanted.text.c_str(), path.c_str());
        continue;
      case SetupFile::Kind::file: {
        const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (file) (void)!write(file.get(), wanted.text.data(), wanted.text.size());
      }
    }
    chmod(path.c_str(), static_cast<mode_t>(wanted.mode));
  }
}

std::uint32_t maker_of(const Trace& trace, const std::string& name) {
  // The last of its name: an earlier one may have been removed.
  const auto last =
      std::ranges::find(trace.objects.rbegin(), trace.objects.rend(), name, &Object::name);
  return last == trace.objects.rend() ? kNobody : last->maker;
}

bool is_given(const Run& run, const Place& place, const std::string& inside) {
  struct stat info{};
  // The worker sees the machine's own; a removed one leaves a mark in the layer above it.
  if (place.overlaid) return lstat((place.shown + "/" + inside).c_str(), &info) == 0;
  return place.shown == "." &&
         std::ranges::any_of(run.scenario.setup.files,
                             [&](const SetupFile& file) { return file.path == inside; });
}

// What the peers may have left behind in one of their directories, in order of name. What the
// set-up made is not theirs, nor what they changed of the machine's.
void collect_files(Run& run, const Place& place, const std::string& relative, int depth) {
  const std::string path = place.made + "/" + relative;
  dirent** entries = nullptr;
  const int count = scandir(path.c_str(), &entries, nullptr, alphasort);
  for (int i = 0; i < count; ++i) {
    const std::string name = entries[i]->d_name;
    std::free(entries[i]);
    if (name == "." || name == "..") continue;
    const std::string inside = relative.empty() ? name : relative + "/" + name;
    struct stat info{};
    if (lstat((path + "/" + name).c_str(), &info) != 0) continue;
    if (!is_given(run, place, inside)) {
      ObjectKind kind = ObjectKind::file;
      if (S_ISFIFO(info.st_mode)) kind = ObjectKind::fifo;
      if (S_ISSOCK(info.st_mode)) kind = ObjectKind::socket;
      if (S_ISDIR(info.st_mode)) kind = ObjectKind::directory;
      const std::string shown =
          (kind == ObjectKind::fifo ? "fifo " : "") + place.shown + "/" + inside;
      run.trace.leftovers.push_back({kind, shown, maker_of(run.trace, shown)});
    }
    if (S_ISDIR(info.st_mode) && depth < kMostDepth) collect_files(run, place, inside, depth + 1);
  }
  std::free(entries);
}

bool is_readiness(Call call) {
  return call == Call::poll || call == Call::select || call == Call::epoll_wait;
}

// Who would have to give back what a task waits for.
std::uint32_t holder_of(Run& run, std::uint32_t task, const Pending& pending) {
  if (is_lock(pending.call)) return pending.other;
  if (&pending != &run.live[task].pending) return kNobody;  // asleep in the kernel
  if (pending.call == Call::semop) return holder_of_semaphore(run, task);
  return pending.call == Call::futex ? owner_of_futex(run, task) : kNobody;
}

// Whom the blocked tasks wait for. Who was woken, or whose time-out has come, waits no more, though
// a limit of the run has kept him from his turn.
void note_waiting(Run& run, Scheduler& scheduler) {
  ++scheduler.looks;
  for (std::uint32_t task = 0; task < run.live.size(); ++task) {
    const Live& one = run.live[task];
    if (one.state == State::dead || one.state == State::running) continue;
    const Pending& pending = one.slept.row != nullptr ? one.slept : one.pending;
    Waiting waiting{.task = task};
    if (scheduler.is_candidate(task)) {
      run.trace.waiting.push_back(std::move(waiting));
      continue;
    }
    for (std::uint32_t i = static_cast<std::uint32_t>(run.trace.steps.size()); i-- > 0;)
      if (run.trace.steps[i].task == task && run.trace.steps[i].event == Event::waits) {
        waiting.step = i;
        break;
      }
    if (pending.object != kNoObject) {
      const Object& object = run.trace.objects[pending.object];
      const ObjectState& state = run.objects[pending.object];
      if (object.kind == ObjectKind::pipe || object.kind == ObjectKind::fifo)
        waiting.holders = holders_of(run, state.device, state.inode,
                                     pending.call == Call::read || is_readiness(pending.call));
      const std::uint32_t holder = holder_of(run, task, pending);
      if (holder != kNobody) waiting.holders.push_back(holder);
    }
    if (pending.call == Call::wait)
      for (const Process& child : run.processes)
        if (child.parent == one.process && !child.dead) waiting.holders.push_back(child.main);
    run.trace.waiting.push_back(std::move(waiting));
  }
}

bool waits_at(const Live& one, std::uint32_t object) {
  const Pending& pending = one.slept.row != nullptr ? one.slept : one.pending;
  return pending.object == object || pending.call == Call::poll || pending.call == Call::select ||
         pending.call == Call::epoll_wait;
}

// Ends of pipes that nobody can use again, though their holder has waited for the child that had
// the other end, and rests: each is a descriptor lost for the life of the process.
void note_dead_ends(Run& run) {
  for (std::uint32_t object = 0; object < run.trace.objects.size(); ++object) {
    const Object& pipe = run.trace.objects[object];
    if (pipe.kind != ObjectKind::pipe || pipe.maker >= run.live.size()) continue;
    const std::uint32_t maker = run.live[pipe.maker].process;
    const auto is_his = [&](const Process& child) { return child.parent == maker; };
    if (run.processes[maker].dead || std::ranges::none_of(run.processes, is_his)) continue;
    if (std::ranges::any_of(run.processes,
                            [&](const Process& child) { return is_his(child) && !child.reaped; }))
      continue;
    if (std::ranges::any_of(run.live, [&](const Live& one) {
          return one.process == maker && one.state != State::dead && waits_at(one, object);
        }))
      continue;
    const ObjectState& state = run.objects[object];
    std::vector<std::uint32_t> ends = holders_of(run, state.device, state.inode, false);
    const std::vector<std::uint32_t> writers = holders_of(run, state.device, state.inode, true);
    if (ends.empty() == writers.empty()) continue;
    if (ends.empty()) ends = writers;
    if (ends.size() == 1 && ends[0] == run.processes[maker].main)
      run.trace.leftovers.push_back({ObjectKind::pipe, pipe.name, ends[0]});
  }
}

void tear_down(Run& run, Scheduler& scheduler) {
  const bool anybody = std::ranges::any_of(run.processes, [](const Process& p) { return !p.dead; });
  if (!anybody) return;
  run.record_event(Event::teardown, kNobody).number = run.scenario.end.signal;
  for (std::size_t i = 0; i < run.processes.size(); ++i) {
    const Process& process = run.processes[i];
    if (process.dead) continue;
    // The peer itself; of one that has ended, what it has left behind.
    const Task& shown = run.trace.tasks[process.main];
    const bool is_peer = shown.parent == kNobody;
    const bool has_parent = process.parent != kNobody && !run.processes[process.parent].dead;
    const std::string& wanted = run.scenario.end.peer;
    const bool meant = wanted.empty() || run.scenario.peers[shown.peer].name == wanted;
    if ((is_peer || !has_parent) && meant)
      run.signal_task(process.main, run.scenario.end.signal, true);
  }
  scheduler.told_to_end = true;
  scheduler.idle_jumps = 0;     // who has rested long may yet sleep in his handler
  scheduler.current = kNobody;  // nobody's turn goes on: those who were told come first
  scheduler.turns(kTeardownSteps, run.now_ns + kTeardownTime_ns);
}

}  // namespace

struct Conductor::Impl {
  std::unique_ptr<Stage> stage;
  ConductorOptions options;
  std::string directory;  // where relative programs are looked up
};

Conductor::Conductor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Conductor::Conductor(Conductor&&) noexcept = default;
Conductor& Conductor::operator=(Conductor&&) noexcept = default;
Conductor::~Conductor() = default;

std::expected<Conductor, std::string> Conductor::start(const ConductorOptions& options) {
  char directory[4096];
  if (getcwd(directory, sizeof directory) == nullptr)
    return std::unexpected("getcwd: " + std::string(std::strerror(errno)));
  auto stage = Stage::start({.namespaces = options.namespaces, .cpu = options.cpu});
  if (!stage) return std::unexpected(stage.error());
  return Conductor(std::make_unique<Impl>(Impl{std::move(*stage), options, directory}));
}

Trace Conductor::run(const Scenario& scenario, Policy& policy) {
  Trace trace;
  if (scenario.peers.size() > kMaxPeers) {
    trace.ending = Ending::harness_error;
    trace.error = "more than " + std::to_string(kMaxPeers) + " peers";
    return trace;
  }
  Stage& stage = *impl_->stage;
  Run run(scenario, policy, stage, trace, impl_->options.seed);
  Scheduler scheduler{.run = run, .policy = policy};
  scheduler.debug = std::exchange(impl_->options.debug, {});
  scheduler.caller = impl_->options.caller;
  stage.prepare(scenario);
  set_limit("msgmni", scenario.setup.msgmni);
  set_limit("msgmax", scenario.setup.msgmax_bytes);
  set_limit("msgmnb", scenario.setup.msgmnb_bytes);
  set_limit("shmmni", scenario.setup.shmmni);
  set_up_files(run);
  set_up_objects(run);
  bool started = true;
  for (const Peer& peer : scenario.peers) {
    run.programs.push_back(find_program(peer.run[0], impl_->directory));
    if (run.programs.back().empty()) {
      scheduler.failure = peer.run[0] + ": no such program";
      started = false;
    }
  }
  for (std::uint32_t i = 0; started && i < scenario.peers.size(); ++i) {
    // One after the other up to its first call, so that order of birth is the scenario's.
    started = scheduler.launch(i, run.programs[i]) && scheduler.settle();
  }
  if (started) {
    trace.ending = scheduler.turns(scenario.limits.steps, scenario.limits.virtual_time_ns);
    note_waiting(run, scheduler);
    if (trace.ending == Ending::at_rest) note_dead_ends(run);
    if (trace.ending != Ending::harness_error) {
      for (std::size_t i = 0; i < run.live.size(); ++i)
        trace.tasks[i].alive = run.live[i].state != State::dead;
      std::vector<bool> alive;
      for (const Task& task : trace.tasks) alive.push_back(task.alive);
      tear_down(run, scheduler);
      for (std::size_t i = 0; i < trace.tasks.size(); ++i) {
        if (trace.tasks[i].alive && !trace.tasks[i].thread)
          trace.leftovers.push_back({.kind = ObjectKind::file,
                                     .name = trace.tasks[i].name,
                                     .maker = trace.tasks[i].parent,
                                     .process = true});
        if (i < alive.size()) trace.tasks[i].alive = alive[i];
      }
    }
  }
  if (!started || trace.ending == Ending::harness_error) {
    trace.ending = Ending::harness_error;
    trace.error = scheduler.failure.empty() ? "the run was lost" : scheduler.failure;
  }
  stage.kill_all();
  collect_objects(run);
  collect_mqueues(run);
  for (const Place& place : stage.directories()) collect_files(run, place, "", 0);
  stage.pump_terminals();
  for (std::size_t i = 0; i < scenario.peers.size(); ++i) {
    Output output;
    output.out = stage.output(i, false, scenario.limits.output_bytes, output.cut);
    output.err = stage.output(i, true, scenario.limits.output_bytes, output.cut);
    trace.outputs.push_back(std::move(output));
  }
  if (const auto* plan = dynamic_cast<const PlanPolicy*>(&policy))
    trace.unused.insert(trace.unused.end(), plan->unused().begin(), plan->unused().end());
  return trace;
}

}  // namespace pipewrench
