// SPDX-License-Identifier: MIT
#include "harness/cli/store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "harness/cli/load.h"
#include "harness/scenario/trace_json.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    scenario_.name = "talk";
    scenario_.peers = {{.name = "sh", .run = {"sh", "-c", "true"}}};
    finding_.id = "0123456789ab";
    finding_.kind = "hang";
    finding_.signature = "hang: sh read pipe";
    finding_.plan = {{.kind = Deviate::kill, .task = "sh", .n = 2}};
    finding_.trace.outputs = {{.out = "hostile \033[2J\n", .err = ""}};
  }
  ~StoreTest() override { fs::remove_all(root_); }

  std::string root_ = fs::temp_directory_path() / "pipewrench-store-XXXXXX";
  Scenario scenario_;
  Finding finding_;
};

TEST_F(StoreTest, WhatIsWrittenCanBeReplayed) {
  const auto store = Store::open(root_ + "/deep/out", 77);
  ASSERT_TRUE(store.has_value());
  ASSERT_TRUE(store->write(finding_, scenario_).has_value());
  Arguments arguments;
  arguments.subject = store->path_of(finding_);
  const auto stored = load_stored(arguments);
  ASSERT_TRUE(stored.has_value()) << stored.error().text();
  EXPECT_EQ(stored->scenario, scenario_);
  EXPECT_EQ(stored->plan, finding_.plan);
  EXPECT_EQ(stored->kind, "hang");
  EXPECT_EQ(stored->signature, finding_.signature);
  EXPECT_EQ(stored->seed, 77U);
  EXPECT_EQ(read_file(arguments.subject + "/sh.out").value(), "hostile \033[2J\n");
  const auto trace = parse_trace(read_file(arguments.subject + "/trace.jsonl").value(), "trace");
  ASSERT_TRUE(trace.has_value()) << trace.error().text();
  EXPECT_EQ(*trace, finding_.trace);
}

TEST_F(StoreTest, ThePlanFileAloneFindsItsScenario) {
  const auto store = Store::open(root_, 1);
  ASSERT_TRUE(store->write(finding_, scenario_).has_value());
  Arguments arguments;
  arguments.subject = store->path_of(finding_) + "/plan.txt";
  const auto stored = load_stored(arguments);
  ASSERT_TRUE(stored.has_value()) << stored.error().text();
  EXPECT_EQ(stored->plan, finding_.plan);
}

TEST_F(StoreTest, ASecondFindingOfTheNameReplacesTheFirst) {
  const auto store = Store::open(root_, 1);
  ASSERT_TRUE(store->write(finding_, scenario_).has_value());
  finding_.plan.clear();
  ASSERT_TRUE(store->write(finding_, scenario_).has_value());
  EXPECT_EQ(read_file(store->path_of(finding_) + "/plan.txt").value(), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator{}), 1);
}

TEST_F(StoreTest, WhatAKilledWriterLeftIsRemovedTheLivingOnesIsNot) {
  // PIDs end at 2^22, proc(5).
  fs::create_directory(root_ + "/.new-4194305-0123456789ab");
  fs::create_directory(root_ + "/.new-1-0123456789ab");
  fs::create_directory(root_ + "/.new-rubbish");
  ASSERT_TRUE(Store::open(root_, 1).has_value());
  EXPECT_FALSE(fs::exists(root_ + "/.new-4194305-0123456789ab"));
  EXPECT_TRUE(fs::exists(root_ + "/.new-1-0123456789ab"));
  EXPECT_TRUE(fs::exists(root_ + "/.new-rubbish"));
}

TEST_F(StoreTest, APlaceThatCannotBeWrittenIsNamed) {
  const auto store = Store::open("/proc/self/nowhere", 1);
  ASSERT_FALSE(store.has_value());
  EXPECT_NE(store.error().find("/proc/self/nowhere"), std::string::npos);
}

// write(2) to /dev/full: ENOSPC.
TEST_F(StoreTest, AFullDiskIsNamed) {
  const auto wrote = write_file("/dev/full", "text");
  ASSERT_FALSE(wrote.has_value());
  EXPECT_EQ(wrote.error(), "/dev/full: No space left on device");
}

TEST(Load, BadInputIsOneLine) {
  Arguments arguments;
  EXPECT_NE(load_scenario(arguments).error().text().find("just one"), std::string::npos);
  arguments.subject = "/nowhere/a.toml";
  EXPECT_EQ(load_scenario(arguments).error().text(), "/nowhere/a.toml: No such file or directory");
  arguments.subject.clear();
  arguments.words = {"./no-such-\033program"};
  const std::string text = load_scenario(arguments).error().text();
  EXPECT_NE(text.find("no program './no-such-\\x1bprogram'"), std::string::npos) << text;
}

TEST(Store, ShellWords) {
  EXPECT_EQ(shell_word("out/hang-0123"), "out/hang-0123");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$(rm)"), "'$(rm)'");
}

}  // namespace
}  // namespace pipewrench
