// SPDX-License-Identifier: MIT
#include "harness/intake/items.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

class Items : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_.data()), nullptr); }
  void TearDown() override { fs::remove_all(root_); }
  std::string write(const std::string& name, const std::string& content = "x") {
    const fs::path path = fs::path(root_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  std::string program(const std::string& name) {
    const std::string path = write(name);
    ::chmod(path.c_str(), 0755);
    return path;
  }
  std::string root_ = ::testing::TempDir() + "items.XXXXXX";
};

TEST_F(Items, OfAFolderInOrder) {
  write("leak-2");
  write("crash-1");
  write("README", "no artefact");
  write("run.log", "==1==ERROR: AddressSanitizer: double-free on 0x1\n");
  write("deep/slow-unit-3");
  const auto items = items_at(root_);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 4U);
  EXPECT_EQ((*items)[0].claim, "crash");
  EXPECT_EQ((*items)[1].claim, "slow-unit");
  EXPECT_EQ((*items)[2].claim, "leak");
  EXPECT_EQ((*items)[3].kind, ItemKind::log);
}

TEST_F(Items, OfAflOnlyCrashesAndHangs) {
  write("default/fuzzer_stats");
  write("default/queue/id:000000,orig:a");
  write("default/crashes/id:000000,sig:06");
  write("default/crashes/README.txt", "how to");
  write("default/hangs/id:000001,src:000000");
  const auto items = items_at(root_);
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 2U);
  EXPECT_EQ((*items)[0].claim, "crash");
  EXPECT_EQ((*items)[1].claim, "hang");
  EXPECT_EQ((*items)[1].tool, "afl++");
}

TEST_F(Items, OfTheConductorAreDirectories) {
  write("hang-0123/finding.json", "{}");
  write("hang-0123/plan.txt");
  const auto items = items_at(root_ + "/hang-0123");
  ASSERT_TRUE(items);
  ASSERT_EQ(items->size(), 1U);
  EXPECT_EQ((*items)[0].kind, ItemKind::conducted);
}

TEST_F(Items, BadOnesAreNamed) {
  EXPECT_EQ(items_at("/no/such").error(), "/no/such: no such file or directory");
  EXPECT_NE(items_at(root_).error().find("nothing to take in"), std::string::npos);
  EXPECT_NE(items_at("/dev/null").error().find("neither"), std::string::npos);
}

TEST_F(Items, ProgramsAreLookedForAbove) {
  const std::string fuzz = program("build/fuzz_msgq"), replay = program("build/replay_msgq");
  const Item item{.path = write("build/out/found/crash-1")};
  EXPECT_EQ(programs_near(item, ""), (std::vector{fuzz, replay}));
  program("build/fuzz_pipe");
  EXPECT_TRUE(programs_near(item, "").empty());
  EXPECT_EQ(programs_near(item, "./fuzz_msgq: Running 1 inputs"), (std::vector{fuzz, replay}));
  EXPECT_TRUE(programs_near(item, "/bin/sh -c evil").empty());
  EXPECT_EQ(decoder_of(fuzz), replay);
  const std::string other = program("other/replay_msgq");
  EXPECT_EQ(siblings_of(fuzz), (std::vector{other}));
}

}  // namespace
}  // namespace pipewrench
