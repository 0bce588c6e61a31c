// pipewrench import as scripts use it: what each kind of path becomes, exit statuses, what is left.
// The fuzz targets are shell scripts.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "harness/cli/test_program.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kToy = R"sh(#!/bin/sh
for file; do :; done
case "$(cat "$file")" in
*long*bad*) echo 'DIFFERENT: step 1: send: text: real "ab" (2 bytes), model "b" (1 bytes)' ;;
*bad*) echo 'DIFFERENT: step 0: send: errno: real 11, model 0' ;;
*odd*) n=$(($(cat "${0%/*}/runs" 2>/dev/null || echo 0) + 1)); echo $n > "${0%/*}/runs"
  [ $((n % 2)) = 0 ] && exit 0; echo 'DIFFERENT: step 0: send: errno: real 4, model 0' ;;
*die*) kill -9 $PPID ;;
*) exit 0 ;;
esac
kill -ABRT $$
)sh";
constexpr const char* kLog =
    "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n"
    "READ of size 1 at 0x602000000010 thread T0\n"
    "    #0 0x4f in parse_header /src/header.c:12:3\n"
    "    #1 0x50 in main /src/main.c:5:3\n";

class ImportTest : public ProgramTest {
 protected:
  ImportTest() {
    fs::create_directory(root_ + "/fuzz");
    write("fuzz/fuzz_toy", kToy);
    fs::permissions(root_ + "/fuzz/fuzz_toy", fs::perms::owner_all);
  }
  Result import(const std::string& words) const { return run("import --store store " + words); }
  std::vector<Json> lines_of(const std::string& words) const {
    std::istringstream text(import("--json " + words).text);
    std::vector<Json> lines;
    for (std::string line; std::getline(text, line);)
      lines.push_back(Json::parse(line, nullptr, false));
    EXPECT_TRUE(std::ranges::all_of(lines, &Json::is_object)) << text.str();
    return lines;
  }
  bool has_scratch() const {
    return std::ranges::any_of(fs::directory_iterator(root_ + "/store"), [](const auto& entry) {
      return entry.path().filename().string().starts_with(".new-");
    });
  }
};

TEST_F(ImportTest, AnArtefactWithItsLogIsRunAgainAndKnownTheNextTime) {
  write("fuzz/crash-1", "not so bad");
  write("fuzz/crash-1.log", "INFO: Running fuzz_toy\nDIFFERENT: step 0: send: anything\n");
  const Result first = import("fuzz/crash-1");
  EXPECT_EQ(first.status, 1) << first.text;
  EXPECT_TRUE(first.text.starts_with("new       ")) << first.text;
  EXPECT_NE(first.text.find(" model-mismatch: send: errno is 11 (EAGAIN), should be 0\n"),
            first.text.npos)
      << first.text;
  const Result again = import("fuzz/crash-1");
  EXPECT_EQ(again.status, 0) << again.text;
  EXPECT_FALSE(again.text.starts_with("new ")) << again.text;
}

// Of the text that differs a part shows the errno, which is the cause.
TEST_F(ImportTest, ASymptomIsListedAsItsCause) {
  write("fuzz/crash-1", "so long and so bad");
  const auto lines = lines_of("fuzz/crash-1");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("event"), "new");
  EXPECT_EQ(lines[0].at("signature"), "text: more: other end");
  EXPECT_EQ(lines[0].at("within").at("signature"), "errno: 0 or 11");
  const auto listed = Json::parse(run("findings list --json --store store").text, nullptr, false);
  EXPECT_NE(listed.dump().find("errno: 0 or 11"), std::string::npos) << listed.dump();
  EXPECT_EQ(listed.dump().find("text: more"), std::string::npos) << listed.dump();
  write("fuzz/crash-2", "bad");
  EXPECT_EQ(import("fuzz/crash-2").status, 0);
  EXPECT_EQ(import("fuzz/crash-1").status, 0);
}

// What was told stays what it was told as, although by now a part of it fails as well.
TEST_F(ImportTest, WhatIsKnownStaysKnownWhenItsCauseIsSeen) {
  std::string toy = kToy;
  toy.replace(toy.find("\n*bad*)") + 1, 5, "*none*");
  write("fuzz/fuzz_toy", toy);
  write("fuzz/crash-1", "so long and so bad");
  const auto first = lines_of("fuzz/crash-1");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_FALSE(first[0].contains("within"));
  write("fuzz/fuzz_toy", kToy);
  const auto again = lines_of("fuzz/crash-1");
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].at("event"), "known");
  EXPECT_EQ(again[0].at("id"), first[0].at("id"));
  EXPECT_FALSE(again[0].contains("within"));
  // By itself the cause is a finding of its own, and from then on theirs.
  write("fuzz/crash-2", "bad");
  EXPECT_EQ(lines_of("fuzz/crash-2").at(0).at("event"), "new");
  EXPECT_TRUE(lines_of("fuzz/crash-1").at(0).contains("within"));
}

TEST_F(ImportTest, AnOutputOfAflIsItsCrashesAndHangs) {
  for (const char* folder : {"crashes", "hangs", "queue"})
    fs::create_directories(root_ + "/out/default/" + folder);
  write("out/default/fuzzer_stats", "start_time : 1\n");
  write("out/default/crashes/README.txt", "Command line used to find this crash: bad\n");
  write("out/default/crashes/id:000000,sig:06,src:000000", "bad");
  write("out/default/crashes/id:000001,sig:06,src:000000", "very bad");
  write("out/default/hangs/id:000000,src:000000", "quick");
  write("out/default/queue/id:000000,orig:bad", "bad");
  const auto lines = lines_of("--target fuzz/fuzz_toy out");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("event"), "new");
  EXPECT_EQ(lines[1].at("event"), "again");
  EXPECT_EQ(lines[0].at("id"), lines[1].at("id"));
  EXPECT_EQ(lines[1].at("size"), 3);
  EXPECT_EQ(lines[2].at("event"), "unstable");
  EXPECT_EQ(lines[2].at("kind"), "hang");
  EXPECT_EQ(lines[2].at("repeated"), 0);
}

TEST_F(ImportTest, ALogAloneCannotBeRunAgain) {
  write("alone.txt", kLog);
  const Result result = import("alone.txt");
  EXPECT_EQ(result.status, 0) << result.text;
  EXPECT_TRUE(result.text.starts_with("unstable ")) << result.text;
  EXPECT_NE(result.text.find(" heap-use-after-free (cannot be run again): "), result.text.npos)
      << result.text;
  EXPECT_NE(result.text.find("parse_header (header.c:12)"), result.text.npos) << result.text;
}

TEST_F(ImportTest, AFindingOfTheConductorKeepsWhatBelongsTogether) {
  const Result found = run("explore --runs 20 --out out -- sh -c 'kill -SEGV $$'");
  ASSERT_EQ(found.status, 1) << found.text;
  const auto lines = lines_of("out/crash-*");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("event"), "new");
  EXPECT_EQ(lines[0].at("kind"), "crash");
  EXPECT_EQ(lines[0].at("repeated"), 3);
  for (const char* role : {"plan", "scenario", "trace", "finding", "story", "out", "err"})
    EXPECT_TRUE(lines[0].at("artefacts").contains(role)) << role;
}

TEST_F(ImportTest, ASmallerPlanIsStoredWithItsOwnTraceAndStory) {
  run("explore --runs 20 --out out -- sh -c 'kill -SEGV $$'");
  const std::string folder = first_line(shell("ls -d out/crash-*").text);
  auto found = Json::parse(shell("cat " + folder + "/finding.json").text, nullptr, false);
  ASSERT_TRUE(found.is_object());
  found["plan"] = {"sh#999 kill"};  // which never comes to pass
  write(folder + "/finding.json", found.dump());
  write(folder + "/plan.txt", "sh#999 kill\n");
  const auto lines = lines_of(folder);
  ASSERT_EQ(lines.size(), 1U);
  const auto stored = [&](const char* role) {
    return shell("cat " + lines[0].at("artefacts").at(role).get<std::string>()).text;
  };
  EXPECT_EQ(lines[0].at("size"), 0);
  EXPECT_EQ(stored("plan"), "");
  EXPECT_EQ(stored("original"), "sh#999 kill\n");
  EXPECT_EQ(Json::parse(stored("finding"), nullptr, false).at("plan"), Json::array());
  EXPECT_EQ(stored("story").find("sh#999"), std::string::npos);
}

TEST_F(ImportTest, WhatDoesNotRepeatSaysHowOftenItDid) {
  write("fuzz/crash-2", "odd");
  const Result result = import("fuzz/crash-2");
  EXPECT_EQ(result.status, 0) << result.text;
  EXPECT_TRUE(result.text.starts_with("unstable ")) << result.text;
  EXPECT_NE(result.text.find(" model-mismatch (2 of 3 runs): "), result.text.npos) << result.text;
}

TEST_F(ImportTest, BadInputIsTwoAndOneLine) {
  write("empty", "");
  fs::create_directory(root_ + "/nothing");
  write("nothing/notes.txt", "all is well\n");
  write("far", "no program is near");
  for (const char* arguments : {"nowhere", "empty", "/proc/self/mem", "nothing", "/dev/null", "far",
                                "--target nowhere far", "--target fuzz far"}) {
    const Result result = import(std::string(arguments) + " 2>&1 >/dev/null");
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_EQ(std::ranges::count(result.text, '\n'), 1) << arguments << ": " << result.text;
    EXPECT_TRUE(result.text.starts_with("pipewrench: ")) << result.text;
  }
}

TEST_F(ImportTest, AStoreThatCannotBeWrittenIsTheEnvironments) {
  write("fuzz/crash-1", "bad");
  write("file", "");
  for (const char* store : {"/proc/self/nowhere", "file", "file/below"}) {
    const Result result = run("import --store " + std::string(store) + " fuzz/crash-1 2>&1");
    EXPECT_EQ(result.status, 3) << result.text;
    EXPECT_EQ(std::ranges::count(result.text, '\n'), 1) << result.text;
    EXPECT_TRUE(result.text.starts_with("pipewrench: " + std::string(store))) << result.text;
  }
}

TEST_F(ImportTest, WhatAKilledOneLeavesIsRemovedByTheNext) {
  write("fuzz/crash-1", "bad");
  write("fuzz/crash-2", "die");
  EXPECT_EQ(shell("'" PIPEWRENCH "' import --store store fuzz/crash-2 2>&1; true").status, 0);
  EXPECT_TRUE(has_scratch());
  EXPECT_EQ(import("fuzz/crash-1").status, 1);
  EXPECT_FALSE(has_scratch());
}

}  // namespace
}  // namespace pipewrench
