// SPDX-License-Identifier: MIT
#include "harness/scenario/scenario.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

std::vector<std::string> names_of(std::vector<std::string> words) {
  const auto scenario = scenario_of(words);
  if (!scenario) return {scenario.error().text()};
  std::vector<std::string> names;
  for (const Peer& peer : scenario->peers) names.push_back(peer.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(scenario, a_peer_is_named_by_its_program) {
  EXPECT_EQ(peer_name_of("./bin/writer"), "writer");
  EXPECT_EQ(peer_name_of("demo6"), "demo6");
  EXPECT_EQ(peer_name_of("dir/"), "dir");
  EXPECT_EQ(peer_name_of("/"), "peer");
  EXPECT_EQ(peer_name_of(""), "peer");
}

TEST(scenario, a_hostile_program_gets_a_safe_name) {
  for (const char* program : {"..", ".hidden", "-rf", "a b#1:2\n", "\x1b[2J\xff", "<b>\"'&"})
    EXPECT_TRUE(is_peer_name(peer_name_of(program))) << peer_name_of(program);
  EXPECT_TRUE(is_peer_name(peer_name_of(std::string(1000, 'a'))));
  for (const char* name : {"", "..", ".a", "-a", "a/1", "a:2", "a b", "a\n"})
    EXPECT_FALSE(is_peer_name(name)) << name;
}

TEST(scenario, namesakes_are_numbered_in_order) {
  EXPECT_EQ(names_of({"./a", "::", "b/a", "x", "::", "c", "::", "a"}),
            (Names{"a", "a.2", "c", "a.3"}));
  Scenario scenario;
  scenario.peers.resize(3);
  scenario.peers[0].run = {"a"};
  scenario.peers[1].run = {"a"};
  scenario.peers[2].name = "a";
  name_peers(scenario);
  EXPECT_EQ(scenario.peers[0].name, "a.2");
  EXPECT_EQ(scenario.peers[1].name, "a.3");
  EXPECT_EQ(scenario.peers[2].name, "a");
}

TEST(scenario, peers_of_a_command_line) {
  const Names words = {"./writer", "a:b", "::", "./reader", "3"};
  const auto scenario = scenario_of(words);
  ASSERT_TRUE(scenario);
  EXPECT_EQ(scenario->name, "writer-reader");
  EXPECT_EQ(scenario->peers[0].run, (Names{"./writer", "a:b"}));
  EXPECT_EQ(scenario->peers[1].run, (Names{"./reader", "3"}));
}

TEST(scenario, an_empty_part_of_a_command_line_is_an_error) {
  const Names message = {"command line: peer 2 has no program: write CMD ARGS :: CMD ARGS"};
  EXPECT_EQ(names_of({"a", "::"}), message);
  EXPECT_EQ(names_of({"a", "::", "::", "b"}), message);
  EXPECT_EQ(names_of({"a", "::", ""}), message);
  EXPECT_EQ(names_of({})[0].substr(0, 22), "command line: peer 1 h");
  Names many = {"a"};
  for (std::uint32_t i = 0; i < kMaxPeers; ++i) many.insert(many.end(), {"::", "a"});
  EXPECT_EQ(names_of(many), Names{"command line: more than 64 peers"});
}

}  // namespace
}  // namespace pipewrench
