// SPDX-License-Identifier: MIT
#include "harness/scenario/parse_scenario.h"

#include <algorithm>
#include <array>
#include <climits>
#include <set>

#include "harness/core/printable.h"
#include "harness/scenario/channel.h"
#include "harness/scenario/duration.h"
#include "harness/scenario/toml_table.h"

namespace pipewrench {
namespace {

constexpr std::int64_t kMaxSteps = 100'000'000;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;
constexpr std::int64_t kMaxProcesses = 100'000;
constexpr std::int64_t kMaxMode = 07777;
constexpr std::int64_t kMaxSemaphoreValue = 32'767;   // SEMVMX, semop(2)
constexpr std::int64_t kMaxNamespaceLimit = INT_MAX;  // sysctl(2): an int
constexpr std::int64_t kMaxPathBytes = 1'000;

// "sigpipe" for "corpus/scenarios/sigpipe.toml".
std::string stem_of(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  if (name.ends_with(".toml")) name.resize(name.size() - 5);
  return name.empty() ? "scenario" : name;
}

void read_peer(TomlTable& table, Peer& peer) {
  table.argv("run", peer.run);
  table.word("name", peer.name);
  if (!peer.name.empty() && !is_peer_name(peer.name))
    table.wrong("name", "must be at most 64 letters, digits and _.+-, the first neither . nor -");
  table.text("stdin", peer.input);
  table.variables("env", peer.env);
  table.flag("tty", peer.tty);
  std::string sigpipe;
  table.text("sigpipe", sigpipe);
  if (sigpipe == "fatal")
    peer.sigpipe = Sigpipe::fatal;
  else if (sigpipe == "fine")
    peer.sigpipe = Sigpipe::fine;
  else if (!sigpipe.empty())
    table.wrong("sigpipe", "must be \"fatal\" or \"fine\"");
}

// Two files of one path: the second could not be made.
class Paths {
 public:
  void read(TomlTable& table, std::string& path) {
    table.word("path", path, Need::required);
    if (table.failed()) return;
    if (path.size() > kMaxPathBytes)
      table.wrong("path", "longer than " + std::to_string(kMaxPathBytes) + " bytes");
    else if (path[0] == '/' || has_odd_part(path))
      table.wrong("path", '"' + printable(path) +
                              "\" must be below the working directory, without //, . and ..");
    else if (!taken_.insert(path).second)
      table.wrong("path", '"' + printable(path) + "\" is there twice");
  }

 private:
  static bool has_odd_part(std::string path) {
    path += '/';
    for (std::size_t i = 0; i < path.size(); i = path.find('/', i) + 1) {
      const std::string part = path.substr(i, path.find('/', i) - i);
      if (part.empty() || part == "." || part == "..") return true;
    }
    return false;
  }

  std::set<std::string> taken_;
};

void read_files(TomlTable& table, std::vector<SetupFile>& files) {
  Paths paths;
  for (const auto& [key, kind] : kSetupFileKinds) {
    table.tables_or_words(key, "path", [&](TomlTable& below) {
      SetupFile& file = files.emplace_back(SetupFile{.kind = kind, .mode = default_mode(kind)});
      paths.read(below, file.path);
      if (kind == SetupFile::Kind::link)
        below.word("to", file.text, Need::required);
      else
        below.number("mode", file.mode, 0, kMaxMode);
      if (kind == SetupFile::Kind::file) below.text("text", file.text);
    });
  }
}

// A key_t is signed; ftok(3) and hexadecimal know no sign.
void read_key(TomlTable& table, std::int32_t& key, std::set<std::int32_t>& taken) {
  table.number("key", key, INT32_MIN, UINT32_MAX, Need::required);
  if (table.failed()) return;
  if (key == 0) table.wrong("key", "0 is IPC_PRIVATE: no peer could find it");
  if (!taken.insert(key).second) table.wrong("key", "is there twice");
}

void read_objects(TomlTable& table, Setup& setup) {
  std::set<std::int32_t> queues;
  table.tables("queue", [&](TomlTable& below) {
    SetupQueue& queue = setup.queues.emplace_back();
    read_key(below, queue.key, queues);
    below.tables("messages", [&](TomlTable& message) {
      SetupMessage& made = queue.messages.emplace_back();
      message.number("type", made.type, 1, LONG_MAX);
      message.text("text", made.text);
    });
    below.flag("full", queue.full);
  });
  std::set<std::int32_t> segments;
  table.tables("segment", [&](TomlTable& below) {
    SetupSegment& segment = setup.segments.emplace_back();
    read_key(below, segment.key, segments);
    below.number("size", segment.size_bytes, 1, kMaxSegmentBytes, Need::required);
    below.text("text", segment.text);
    if (segment.text.size() > segment.size_bytes) below.wrong("text", "longer than the segment");
  });
  std::set<std::int32_t> semaphores;
  table.tables("semaphore", [&](TomlTable& below) {
    SetupSemaphore& semaphore = setup.semaphores.emplace_back();
    read_key(below, semaphore.key, semaphores);
    below.numbers("values", semaphore.values, 0, kMaxSemaphoreValue);
    if (semaphore.values.empty()) below.wrong("values", "must be one value or more");
  });
}

void read_setup(TomlTable& table, Setup& setup) {
  read_files(table, setup.files);
  read_objects(table, setup);
  table.number("msgmni", setup.msgmni, 1, kMaxNamespaceLimit);
  table.number("msgmax", setup.msgmax_bytes, 1, kMaxNamespaceLimit);
  table.number("msgmnb", setup.msgmnb_bytes, 1, kMaxNamespaceLimit);
  table.number("shmmni", setup.shmmni, 1, kMaxNamespaceLimit);
}

void read_limits(TomlTable& table, Limits& limits) {
  table.number("steps", limits.steps, 1, kMaxSteps);
  table.duration("virtual_time", limits.virtual_time_ns);
  table.number("output_bytes", limits.output_bytes, 1, kMaxBytes);
  table.number("file_bytes", limits.file_bytes, 1, kMaxBytes);
  table.number("memory_bytes", limits.memory_bytes, 1, kMaxBytes);
  table.number("processes", limits.processes, 1, kMaxProcesses);
  table.duration("spin_cpu", limits.spin_cpu_ns);
}

// One who is to be there.
void read_peer_name(TomlTable& table, const char* key, const Scenario& scenario, std::string& name,
                    Need need) {
  table.word(key, name, need);
  if (!name.empty() && std::ranges::find(scenario.peers, name, &Peer::name) == scenario.peers.end())
    table.wrong(key, "no peer is named \"" + printable(name, kMaxPeerName) + '"');
}

void read_expect(TomlTable& table, const Scenario& scenario, Expect& expect) {
  table.flag("nothing_left", expect.nothing_left);
  table.texts("conserve", expect.conserve);
  for (const std::string& channel : expect.conserve)
    if (!is_channel(channel))
      table.wrong("conserve", '"' + printable(channel, kMaxPeerName) +
                                  "\" is no channel; such are pipe, fifo, queue, \"fifo room\", "
                                  "\"queue 0x1234\"");
  std::set<std::string> taken;
  table.tables("peer", [&](TomlTable& below) {
    ExpectPeer& peer = expect.peers.emplace_back();
    read_peer_name(below, "name", scenario, peer.peer, Need::required);
    if (!taken.insert(peer.peer).second) below.wrong("name", "is there twice");
    below.number_if_there("exit_status", peer.exit_status, 0, 255);
    below.text_if_there("output", peer.output);
    below.texts("output_has", peer.output_has);
    below.texts("output_lines", peer.output_lines);
  });
}

void read_planted(TomlTable& table, Planted& planted) {
  table.word("kind", planted.kind, Need::required);
  table.text("class", planted.category);
  table.number("deviations", planted.deviations, 0, kMaxPlanLines);
  table.texts("plan", planted.plan);
  for (const std::string& line : planted.plan)
    if (const auto plan = parse_plan(line, ""); !plan) table.wrong("plan", plan.error().cause);
}

void read_scenario(TomlTable& table, Scenario& scenario) {
  table.word("name", scenario.name);
  table.text("why", scenario.why);
  std::set<std::string> taken;
  table.tables("peer", [&](TomlTable& below) {
    Peer& peer = scenario.peers.emplace_back();
    read_peer(below, peer);
    if (!peer.name.empty() && !taken.insert(peer.name).second)
      below.wrong("name", "two peers are named \"" + peer.name + '"');
  });
  if (scenario.peers.empty()) table.wrong("peer", "must be one [[peer]] or more");
  if (scenario.peers.size() > kMaxPeers)
    table.wrong("peer", "more than " + std::to_string(kMaxPeers) + " peers");
  name_peers(scenario);
  table.table("setup", [&](TomlTable& below) { read_setup(below, scenario.setup); });
  table.table("end", [&](TomlTable& below) {
    below.signal("signal", scenario.end.signal);
    read_peer_name(below, "peer", scenario, scenario.end.peer, Need::optional);
  });
  table.table("limits", [&](TomlTable& below) { read_limits(below, scenario.limits); });
  table.table("expect", [&](TomlTable& below) { read_expect(below, scenario, scenario.expect); });
  table.table("planted", [&](TomlTable& below) { read_planted(below, scenario.planted); });
  table.refuse_unknown_keys();
}

}  // namespace

std::expected<Scenario, BadInput> parse_scenario(std::string_view toml, const std::string& file) {
  if (toml.size() > kMaxScenarioBytes)
    return std::unexpected(
        BadInput{file, 0, "larger than " + std::to_string(kMaxScenarioBytes) + " bytes"});
  const auto root = parse_toml(toml, file);
  if (!root) return std::unexpected(root.error());
  std::optional<BadInput> problem;
  TomlTable table(*root, "", problem);
  Scenario scenario{.name = stem_of(file)};
  read_scenario(table, scenario);
  if (!problem) return scenario;
  problem->file = file;
  return std::unexpected(*std::move(problem));
}

}  // namespace pipewrench
