// SPDX-License-Identifier: MIT
#include "harness/scenario/parse_scenario.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <climits>
#include <csignal>

#include "harness/scenario/duration.h"

namespace pipewrench {
namespace {

// Each key once, as print_scenario() writes it.
constexpr const char* kEverything = R"(name = "all"
why = "a \"quoted\"\nline"

[[peer]]
name = "reader"
run = ["./reader", "", "3"]
stdin = "one\ntwo\n"
env = { "B" = "2", "A" = "1" }
tty = true
sigpipe = "fatal"

[[peer]]
name = "reader.2"
run = ["reader", { hex = "ff41" }]

[setup]
directory = [{ path = "d" }, { path = "d/open", mode = 0o755 }]
file = [{ path = "d/f", text = "old", mode = 0o644 }]
fifo = [{ path = "room" }]
link = [{ path = "dangling", to = "/nowhere" }]
msgmni = 2
msgmax = 100
msgmnb = 200
shmmni = 3

[[setup.queue]]
key = 0x1234
messages = [{ type = 1, text = "old" }, { type = 9223372036854775807, text = "" }]
full = true

[[setup.segment]]
key = 0x80000000
size = 4096
text = "old"

[[setup.semaphore]]
key = 0xffffffff
values = [0, 32767]

[end]
signal = "SIGINT"
peer = "reader.2"

[limits]
steps = 10
virtual_time = "10s"
output_bytes = 11
file_bytes = 12
memory_bytes = 15
processes = 13
spin_cpu = "250ms"

[expect]
nothing_left = false
conserve = ["fifo room"]

[[expect.peer]]
name = "reader"
exit_status = 0
output = ""
output_has = ["a", "b"]
output_lines = ["c"]

[planted]
kind = "deadlock"
class = "lost wake-up"
deviations = 1
plan = ["before reader#3 run writer"]
)";

std::string problem(std::string_view toml) {
  const auto scenario = parse_scenario(toml, "dir/x.toml");
  return scenario ? "" : scenario.error().text();
}

// What is wrong with one more table behind a peer.
std::string problem_of(const std::string& more) {
  return problem("[[peer]]\nrun = [\"a\"]\n" + more);
}

TEST(parse_scenario, each_key_is_read_and_written) {
  const auto scenario = parse_scenario(kEverything, "x.toml");
  ASSERT_TRUE(scenario) << scenario.error().text();
  EXPECT_EQ(print_scenario(*scenario), kEverything);
  EXPECT_EQ(scenario->peers[1].run[1],
            "\xff"
            "A");
}

TEST(parse_scenario, has_defaults) {
  const auto scenario = parse_scenario(
      "[[peer]]\nrun = ['d/a']\n[[peer]]\nrun = ['a']\n[setup]\nfifo = ['f']\ndirectory = ['d']\n"
      "file = ['e']\n[limits]\nvirtual_time = 3\n[end]\nsignal = 2\n",
      "dir/edge-case.toml");
  ASSERT_TRUE(scenario) << scenario.error().text();
  EXPECT_EQ(scenario->name, "edge-case");
  EXPECT_EQ(scenario->peers[0].name, "a");
  EXPECT_EQ(scenario->peers[1].name, "a.2");
  EXPECT_EQ(scenario->end.signal, SIGINT);
  EXPECT_EQ(scenario->limits.virtual_time_ns, 3'000'000'000u);
  EXPECT_EQ(scenario->setup.files[0],
            (SetupFile{.kind = SetupFile::Kind::directory, .path = "d", .mode = 0700}));
  EXPECT_EQ(scenario->setup.files[2], (SetupFile{.kind = SetupFile::Kind::fifo, .path = "f"}));
  EXPECT_TRUE(scenario->expect.nothing_left);
}

TEST(parse_scenario, keys_that_are_wrong_are_named_with_file_and_line) {
  EXPECT_EQ(problem_of("nmae = 'b'\n"),
            "dir/x.toml:3: peer.nmae: unknown key; known are run, name, stdin, env, tty, sigpipe");
  EXPECT_EQ(problem_of("stdin = 5\n"),
            "dir/x.toml:3: peer.stdin: must be a text or { hex = \"...\" }, is an integer");
  EXPECT_EQ(problem_of("tty = 'yes'\n"),
            "dir/x.toml:3: peer.tty: must be true or false, is a text");
  EXPECT_EQ(problem_of("env = { \"A=B\" = '1' }\n"),
            "dir/x.toml:3: peer.env: \"A=B\" cannot name a variable");
  EXPECT_EQ(problem_of("stdin = { hex = 'f' }\n"),
            "dir/x.toml:3: peer.stdin.hex: must be a text of pairs of hex digits");
  EXPECT_EQ(problem_of("[end]\nsignal = 'SIGNIT'\n"),
            "dir/x.toml:4: end.signal: \"SIGNIT\" is no signal; it looks like SIGTERM");
  EXPECT_EQ(problem_of("[end]\npeer = 'b'\n"), "dir/x.toml:4: end.peer: no peer is named \"b\"");
  EXPECT_EQ(problem_of("[limits]\nsteps = 0\n"),
            "dir/x.toml:4: limits.steps: must be from 1 to 100000000");
  EXPECT_EQ(problem_of("[limits]\nspin_cpu = 1.5\n").substr(0, 67),
            "dir/x.toml:4: limits.spin_cpu: must be seconds or a text such as \"1");
  EXPECT_EQ(
      problem_of("[expect]\nconserve = ['fifo room', 'fifi room']\n"),
      "dir/x.toml:4: expect.conserve: \"fifi room\" is no channel; such are pipe, fifo, queue, "
      "\"fifo room\", \"queue 0x1234\"");
  EXPECT_EQ(problem_of("[[expect.peer]]\noutput = ''\n"),
            "dir/x.toml:3: expect.peer.name: is not there");
  EXPECT_EQ(problem_of("[planted]\nkind = 'hang'\nplan = ['a#1']\n").substr(0, 40),
            "dir/x.toml:5: planted.plan: deviation \"\"");
  EXPECT_EQ(problem_of("[\"\x1b\"]\n").substr(0, 13), "dir/x.toml:3:");
}

TEST(parse_scenario, peers_are_one_or_more_with_a_program_and_a_name_each) {
  EXPECT_EQ(problem(""), "dir/x.toml:1: peer: must be one [[peer]] or more");
  EXPECT_EQ(problem("peer = 'a'\n"), "dir/x.toml:1: peer: must be a list, is a text");
  EXPECT_EQ(problem("[[peer]]\n"), "dir/x.toml:1: peer.run: must be a program and its arguments");
  EXPECT_EQ(problem("[[peer]]\nrun = []\n"),
            "dir/x.toml:2: peer.run: must be a program and its arguments");
  EXPECT_EQ(problem("[[peer]]\nrun = [\"\"]\n"), "dir/x.toml:2: peer.run: must not be empty");
  EXPECT_EQ(problem_of("name = 'x'\n[[peer]]\nrun = ['b']\nname = 'x'\n"),
            "dir/x.toml:6: peer.name: two peers are named \"x\"");
  EXPECT_EQ(
      problem_of("name = '../x'\n"),
      "dir/x.toml:3: peer.name: must be at most 64 letters, digits and _.+-, the first neither . "
      "nor -");
  EXPECT_EQ(problem_of("sigpipe = 'ok'\n"),
            "dir/x.toml:3: peer.sigpipe: must be \"fatal\" or \"fine\"");
}

TEST(parse_scenario, paths_stay_in_the_working_directory) {
  for (const char* path : {"/etc/x", "../x", "a/../../x", "a/..", ".", "a//b", "a/"})
    EXPECT_EQ(problem_of("[setup]\nfile = ['" + std::string(path) + "']\n"),
              "dir/x.toml:4: setup.file.path: \"" + std::string(path) +
                  "\" must be below the working directory, without //, . and ..");
  EXPECT_EQ(problem_of("[setup]\nfile = ['a']\nfifo = ['a']\n"),
            "dir/x.toml:5: setup.fifo.path: \"a\" is there twice");
  EXPECT_EQ(problem_of("[setup]\nfile = ['...', '.a', 'a..']\n"), "");
}

TEST(parse_scenario, objects_have_keys_and_sizes) {
  EXPECT_EQ(problem_of("[[setup.queue]]\nkey = 0\n"),
            "dir/x.toml:4: setup.queue.key: 0 is IPC_PRIVATE: no peer could find it");
  EXPECT_EQ(problem_of("[[setup.queue]]\nkey = 1\n[[setup.queue]]\nkey = 1\n"),
            "dir/x.toml:6: setup.queue.key: is there twice");
  EXPECT_EQ(problem_of("[[setup.queue]]\nkey = 1\nmessages = [{ type = 0 }]\n"),
            "dir/x.toml:5: setup.queue.messages.type: must be from 1 to 9223372036854775807");
  EXPECT_EQ(problem_of("[[setup.segment]]\nkey = 1\nsize = 2\ntext = 'abc'\n"),
            "dir/x.toml:6: setup.segment.text: longer than the segment");
  EXPECT_EQ(problem_of("[[setup.semaphore]]\nkey = 1\n"),
            "dir/x.toml:3: setup.semaphore.values: must be one value or more");
}

TEST(parse_scenario, what_is_no_toml_is_named_by_its_line) {
  EXPECT_EQ(problem("\n\nx = \n").substr(0, 13), "dir/x.toml:3:");
  EXPECT_EQ(problem("x = \"\xff\"\n").substr(0, 13), "dir/x.toml:1:");
  EXPECT_EQ(problem(std::string(kMaxScenarioBytes + 1, '\n')),
            "dir/x.toml: larger than 16777216 bytes");
}

// The parser would recurse as deep as these go.
TEST(parse_scenario, depth_is_limited) {
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  EXPECT_EQ(problem("\n" + dots + " = 1\n"), "dir/x.toml:2: a key with more than 32 dots");
  EXPECT_EQ(problem("[" + dots + "]\n"), "dir/x.toml:1: a key with more than 32 dots");
  EXPECT_EQ(problem("x = '''a''''\n\ny = \"\\\"\"\n" + dots + " = 1\n"),
            "dir/x.toml:4: a key with more than 32 dots");
  EXPECT_NE(problem("x = " + std::string(100'000, '[')), "");
  EXPECT_EQ(problem_of("stdin = \"" + dots + "\" # " + dots + "\n"), "");
}

template <class T>
T any(T least, T most) {
  return *rc::gen::inRange<T>(least, most);
}

std::string any_text() {
  return *rc::gen::oneOf(
      rc::gen::arbitrary<std::string>(),
      rc::gen::element<std::string>("", "plain", "\n\t\"\\\x7f", "\xc3\xa9\xf0\x9f\x98\x80",
                                    "\xed\xa0\x80", "\xff", std::string("\0", 1)));
}

std::string any_word() {
  std::string text = any_text();
  std::erase(text, '\0');
  return text.empty() ? "w" : text;
}

template <class Make>
auto any_list(Make make) {
  std::vector<decltype(make())> items(any<std::size_t>(0, 3));
  std::ranges::generate(items, make);
  return items;
}

Scenario any_scenario() {
  Scenario s{.name = any_word(), .why = any_text()};
  s.peers.resize(any<std::size_t>(1, 4));
  for (Peer& peer : s.peers) {
    peer.run = {*rc::gen::element<std::string>("a", "./b", "\xff")};
    for (std::string& word : any_list(any_word)) peer.run.push_back(std::move(word));
    peer.input = any_text();
    if (any(0, 2) == 0) peer.env = {{"B", any_word()}, {"a \xc3\xa9", ""}};
    peer.tty = any(0, 2) == 0;
    peer.sigpipe = static_cast<Sigpipe>(any(0, 3));
  }
  name_peers(s);
  for (const auto& [key, kind] : kSetupFileKinds) {
    if (any(0, 2) == 0) continue;
    SetupFile& file = s.setup.files.emplace_back(
        SetupFile{.kind = kind, .path = std::string("x/") + key, .mode = any(0u, 07777u)});
    if (kind == SetupFile::Kind::link) file.mode = default_mode(kind);
    if (kind == SetupFile::Kind::file) file.text = any_text();
    if (kind == SetupFile::Kind::link) file.text = any_word();
  }
  const std::int32_t key = any(1, INT_MAX) * (any(0, 2) == 0 ? 1 : -1);
  if (any(0, 2) == 0)
    s.setup.queues = {
        {.key = key,
         .messages = any_list([] { return SetupMessage{any(1L, LONG_MAX), any_text()}; }),
         .full = any(0, 2) == 0}};
  if (any(0, 2) == 0) s.setup.segments = {{.key = key, .size_bytes = 1 << 16, .text = any_text()}};
  if (any(0, 2) == 0) s.setup.semaphores = {{.key = key, .values = {0, 32767}}};
  s.setup.msgmni = any(0u, 9u);
  s.end = {.signal = any(1, 65), .peer = any(0, 2) == 0 ? "" : s.peers[0].name};
  s.limits.virtual_time_ns = any<std::uint64_t>(1, kMaxDurationNs);
  s.limits.steps = any(1u, 9u);
  s.expect.nothing_left = any(0, 2) == 0;
  s.expect.conserve = any_list([] {
    return *rc::gen::element<std::string>("pipe", "fifo a \xff\n", "queue 0x1", "./a", "pipe#7");
  });
  if (any(0, 2) == 0)
    s.expect.peers = {
        {.peer = s.peers[0].name, .exit_status = any(0, 256), .output_lines = any_list(any_text)},
        {.peer = s.peers.back().name, .output = any_text(), .output_has = any_list(any_text)}};
  if (s.peers.size() == 1) s.expect.peers.resize(std::min<std::size_t>(s.expect.peers.size(), 1));
  if (any(0, 2) == 0)
    s.planted = {.kind = "hang", .category = any_text(), .deviations = any(0u, 4u)};
  return s;
}

RC_GTEST_PROP(parse_scenario, parse_of_print_is_the_scenario, ()) {
  const Scenario scenario = any_scenario();
  const std::string text = print_scenario(scenario);
  const auto again = parse_scenario(text, "x");
  if (!again) RC_FAIL(again.error().text() + "\n" + text);
  RC_ASSERT(*again == scenario);
}

}  // namespace
}  // namespace pipewrench
