// SPDX-License-Identifier: MIT
#include "harness/intake/take.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "harness/intake/minimise.h"
#include "reports/store/store.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

// Says which of its two bugs it came upon: the second needs less than the first.
constexpr const char* kTwoBugs = R"sh(#!/bin/sh
for file; do :; done
case "$(cat "$file")" in
*first*half*) echo 'DIFFERENT: step 1: receive: text: real "ab" (2 bytes), model "abc" (3 bytes)' ;;
*half*) echo 'DIFFERENT: step 0: send: errno: real 11, model 0' ;;
*) exit 0 ;;
esac
kill -ABRT $$
)sh";

// Takes many files as libFuzzer's does, which the words in the comment say; counts its starts.
constexpr const char* kManyAtOnce = R"sh(#!/bin/sh
# INFO: libFuzzer ignores flags
echo once more >> "${0%/*}/starts"
for file; do
  [ -f "$file" ] || continue
  case "$(cat "$file")" in
  *'{'*'}'*) echo 'DIFFERENT: step 1: end: errno: real 11, model 0'; kill -ABRT $$ ;;
  esac
  echo "
Executed $file in 0 ms"
done
)sh";

// A pipewrench whose scenario hangs with the plan "a", "b", crashes with "b" alone and is hung by
// "a#2" as by "a#1".
constexpr const char* kReplays = R"sh(#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --keep ] && keep=$2; shift; done
hang='{"severity":"finding","kind":"hang","signature":"hang: peer read pipe","peers":["peer"]}'
crash='{"severity":"finding","kind":"crash","signature":"crash: peer","peers":["peer"]}'
case "$(tr '\n' ' ' < "$1/plan.txt")" in
*'a#'?*b*) verdict=$hang same=3 ;;
*b*) verdict=$crash same=3 ;;
*) verdict='' same=0 ;;
esac
echo "{\"replays\":{\"same\":$same},\"verdicts\":[$verdict]}"
[ "$keep" ] || exit 1
mkdir "$keep" && cp "$1/plan.txt" "$1/scenario.toml" "$keep"
for file in trace.jsonl README finding.json; do
  echo "$file of" $(cat "$1/plan.txt") > "$keep/$file"
done
)sh";

class TakeTest : public ::testing::Test {
 protected:
  TakeTest() { EXPECT_NE(::mkdtemp(root_.data()), nullptr); }
  ~TakeTest() override { fs::remove_all(root_); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = root_ + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }
  std::string program(const std::string& name, const char* text) const {
    const std::string path = write(name, text);
    fs::permissions(path, fs::perms::owner_all);
    return path;
  }
  Taken take(const std::string& path, const TakeOptions& options) const {
    const auto items = items_at(path);
    EXPECT_TRUE(items && items->size() == 1) << path;
    auto replayer = Replayer::make(root_);
    EXPECT_TRUE(replayer);
    auto taken = Taker(std::move(*replayer), options).take(items->front());
    EXPECT_TRUE(taken) << taken.error();
    return std::move(*taken);
  }
  static std::string content(const Taken& taken, const std::string& role) {
    return content(taken.finding, role);
  }
  static std::string content(const FindingRecord& finding, const std::string& role) {
    const auto& artefacts = finding.occurrences.at(0).artefacts;
    const auto found = std::ranges::find(artefacts, role, &Artefact::role);
    return found == artefacts.end() ? "none" : found->content;
  }

  std::string root_ = fs::temp_directory_path() / "pipewrench-take-XXXXXX";
};

TEST_F(TakeTest, ASmallerInputWithAnotherBugIsNotTaken) {
  const std::string target = program("replay_toy", kTwoBugs);
  const std::string input = "some first then half of it";
  const Taken taken = take(write("crash-1", input), {.target = target, .pipewrench = ""});
  EXPECT_EQ(taken.finding.signature, "text: fewer: its begin");
  EXPECT_FALSE(taken.finding.unstable);
  const std::string small = content(taken, "input");
  EXPECT_LT(small.size(), input.size());
  EXPECT_LT(small.find("first"), small.find("half"));
  EXPECT_EQ(content(taken, "original"), input);
  EXPECT_NE(content(taken, "log").find("receive: text"), std::string::npos);
  EXPECT_FALSE(taken.within);  // another operation notices it
}

// Of what one operation says of two inputs, one in the other, the smaller is the cause.
TEST_F(TakeTest, WhatAPartShowsIsKeptAsTheCause) {
  std::string script = kTwoBugs;
  script.replace(script.find("send: errno"), 4, "receive");
  const std::string target = program("replay_toy", script.c_str());
  const std::string input = "some first then half of it";
  const Taken taken = take(write("crash-1", input), {.target = target, .pipewrench = ""});
  EXPECT_EQ(taken.finding.signature, "text: fewer: its begin");
  ASSERT_TRUE(taken.within);
  EXPECT_EQ(taken.within->signature, "errno: 0 or 11");
  EXPECT_EQ(content(*taken.within, "input"), "half");
  EXPECT_EQ(content(*taken.within, "original"), input);
  EXPECT_EQ(content(*taken.within, "symptom"), taken.finding.cause + "\n");
}

// Two bugs of one call: what it is that differs is part of the signature.
TEST_F(TakeTest, ASmallerInputWithTheSameBugIsTaken) {
  const std::string target = program("replay_toy", kTwoBugs);
  const Taken taken =
      take(write("crash-2", "no more than half"), {.target = target, .pipewrench = ""});
  EXPECT_EQ(taken.finding.signature, "errno: 0 or 11");
  EXPECT_EQ(content(taken, "input"), "half");
  EXPECT_FALSE(taken.within);
}

TEST_F(TakeTest, CandidatesRunManyToAProcess) {
  const std::string target = program("fuzz_toy", kManyAtOnce);
  const std::string input = "{" + std::string(60, 'x') + "}" + std::string(60, 'y');
  const Taken taken = take(write("crash-3", input), {.target = target, .pipewrench = ""});
  EXPECT_EQ(content(taken, "input"), "{}");
  EXPECT_FALSE(taken.within);
  const auto starts = content_of(root_ + "/starts", 1 << 20).value_or("");
  EXPECT_LT(std::ranges::count(starts, '\n'), 50);
}

TEST_F(TakeTest, ASmallerPlanWithAnotherBugIsNotTaken) {
  write("found/finding.json", R"({"kind":"hang","signature":"hang: peer read pipe",)"
                              R"("peers":["peer"],"plan":["c#1","a#2","b"]})");
  write("found/plan.txt", "c#1\na#2\nb\n");
  write("found/scenario.toml", "name = \"toy\"\n");
  for (const char* name : {"trace.jsonl", "README"}) write(std::string("found/") + name, "given");
  const Taken taken =
      take(root_ + "/found", {.target = "", .pipewrench = program("pipewrench", kReplays)});
  EXPECT_EQ(taken.finding.kind, "hang");
  EXPECT_EQ(taken.finding.signature, "waits: peer read pipe");
  // What is stored belongs together, and what was given is not lost.
  EXPECT_EQ(content(taken, "plan"), "a#1\nb\n");
  EXPECT_EQ(content(taken, "trace"), "trace.jsonl of a#1 b\n");
  EXPECT_EQ(content(taken, "story"), "README of a#1 b\n");
  EXPECT_EQ(content(taken, "finding"), "finding.json of a#1 b\n");
  EXPECT_EQ(content(taken, "original"), "c#1\na#2\nb\n");
  EXPECT_EQ(taken.finding.occurrences.at(0).size, 2U);
  ASSERT_TRUE(taken.within);
  EXPECT_EQ(taken.within->kind, "crash");
  EXPECT_EQ(taken.within->occurrences.at(0).size, 1U);
  EXPECT_EQ(content(*taken.within, "plan"), "b\n");
  EXPECT_EQ(content(*taken.within, "original"), "c#1\na#2\nb\n");
}

TEST_F(TakeTest, ThePlanAsGivenKeepsItsFiles) {
  write("found/finding.json", R"({"kind":"crash","signature":"crash: peer",)"
                              R"("peers":["peer"],"plan":["b"]})");
  for (const char* name : {"trace.jsonl", "README"}) write(std::string("found/") + name, "given");
  write("found/plan.txt", "b\n");
  write("found/scenario.toml", "name = \"toy\"\n");
  const Taken taken =
      take(root_ + "/found", {.target = "", .pipewrench = program("pipewrench", kReplays)});
  EXPECT_EQ(content(taken, "plan"), "b\n");
  EXPECT_EQ(content(taken, "trace"), "given");
  EXPECT_EQ(content(taken, "original"), "none");
}

TEST(CallByCause, TellsWhatTheVersionBeforeCalledIt) {
  FindingRecord ring{.target = "toy"}, hang{.target = "toy"};
  call_by_cause({.kind = "deadlock", .signature = "deadlock: a read pipe | b read pipe"}, {}, ring);
  call_by_cause({.kind = "hang", .signature = "hang: a read pipe"}, {}, hang);
  EXPECT_EQ(ring.former_id, finding_id("toy", "", "waits: a read pipe | b read pipe"));
  EXPECT_NE(ring.id, ring.former_id);
  EXPECT_EQ(hang.former_id, "");
}

TEST(SmallerPlan, KeepsWhatShowsTheSame) {
  using Lines = std::vector<std::string>;
  const auto shows_same = [](const Lines& plan) {
    return std::ranges::any_of(
        plan, [](const std::string& line) { return line.starts_with("w#3 write short "); });
  };
  EXPECT_EQ(smaller_plan({"before r#2 run w", "w#3 write short 9"}, shows_same),
            (Lines{"w#3 write short 1"}));
}

}  // namespace
}  // namespace pipewrench
