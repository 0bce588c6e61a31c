// Every scenario that we ship, on two cores at once: all of it under control, and the calm run the
// same each time.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/cli/load.h"
#include "harness/explore/pool.h"

namespace pipewrench {
namespace {

// They send each other inode numbers, which are the machine's: a room's record has those of
// pidfds, the name of a Unix socket that of its directory.
constexpr const char* kSendInodes[] = {"shm-lines", "socket-chat-stream", "socket-chat-seqpacket"};

std::vector<std::string> shipped() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SCENARIOS))
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

class EachScenario : public testing::TestWithParam<std::string> {};

TEST_P(EachScenario, is_under_control_and_repeats) {
  const char* path = std::getenv("PATH");
  const std::string programs = std::string(PROGRAMS) + "/targets/planted/programs:" + PROGRAMS;
  ASSERT_EQ(setenv("PATH", (programs + ":" + (path == nullptr ? "" : path)).c_str(), 1), 0);
  Arguments arguments;
  arguments.subject = std::string(SCENARIOS) + "/" + GetParam() + ".toml";
  const auto scenario = load_scenario(arguments);
  ASSERT_TRUE(scenario) << scenario.error().text();
  auto pool = Pool::start(real_recipe(*scenario, {}), 2);
  if (!pool) GTEST_SKIP() << pool.error();
  std::vector<Pool::Ticket> tickets;
  for (int i = 0; i < REPEATS; ++i) tickets.push_back((*pool)->submit({}));
  const Answer first = (*pool)->wait(tickets.front());
  EXPECT_NE(first.ending, Ending::harness_error) << first.error;
  const bool sends_inodes = std::ranges::find(kSendInodes, GetParam()) != std::end(kSendInodes);
  for (const Pool::Ticket ticket : tickets) {
    if (ticket == tickets.front()) continue;
    const Answer answer = (*pool)->wait(ticket);
    EXPECT_EQ(answer.unmanaged, 0U);
    if (!sends_inodes) EXPECT_EQ(answer.trace_hash, first.trace_hash);
  }
}

INSTANTIATE_TEST_SUITE_P(shipped, EachScenario, testing::ValuesIn(shipped()), [](const auto& one) {
  std::string name = one.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace pipewrench
