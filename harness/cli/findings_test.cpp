// The store as people use it from the command line; completions and the manual page.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/record.h"
#include "harness/cli/test_program.h"

namespace pipewrench {
namespace {

using FindingsTest = ProgramTest;

TEST_F(FindingsTest, WhatExploreFindsIsNewThenKnownThenFixedThenRegressed) {
  const std::string search = "explore --runs 5 -- sh -c 'kill -SEGV $$'";
  EXPECT_EQ(run(search).status, 1);
  const Result list = run("findings list");
  EXPECT_EQ(list.status, 1);
  EXPECT_NE(list.text.find("  new       crash"), std::string::npos) << list.text;
  EXPECT_EQ(last_line(list.text), "1 findings, 0 notes");
  const std::string id = list.text.substr(0, 12);
  EXPECT_NE(run("findings show " + id.substr(0, 5)).text.find("What happens"), std::string::npos);
  EXPECT_EQ(shell("'" PIPEWRENCH "' findings show pipewrench-out/crash-*/").text.substr(0, 12), id);

  EXPECT_EQ(run(search).status, 1);
  EXPECT_NE(run("findings list").text.find("  known     crash"), std::string::npos);
  EXPECT_EQ(run("findings list").status, 0);

  EXPECT_EQ(run("findings mark fixed " + id + " --why 'commit 12'").status, 0);
  EXPECT_NE(run("findings list").text.find("  fixed     crash"), std::string::npos);
  EXPECT_EQ(run(search).status, 1);
  const Result again = run("findings list --json");
  EXPECT_EQ(again.status, 1);
  const auto json = nlohmann::json::parse(again.text);
  EXPECT_EQ(json.at("standing"), "regressed");
  EXPECT_EQ(json.at("why"), "commit 12");
  EXPECT_EQ(json.at("times"), 3);
}

TEST_F(FindingsTest, WhatAKilledNightFoundIsNewToTheNext) {
  const std::string search = "explore --runs 5 --run ";
  const std::string program = " -- sh -c 'kill -SEGV $$'";
  const auto list = [&] { return run("findings list"); };
  EXPECT_EQ(run("record begin --what nightly").text, "1\n");
  EXPECT_EQ(run(search + "1" + program).status, 1);
  EXPECT_EQ(run("record begin --what nightly").text, "2\n");  // the first was killed
  EXPECT_EQ(list().status, 1);
  EXPECT_NE(list().text.find("  new       crash"), std::string::npos) << list().text;
  EXPECT_EQ(run(search + "2" + program).status, 1);
  EXPECT_EQ(run("record end 2").status, 0);
  EXPECT_EQ(list().status, 1);
  EXPECT_EQ(run("record begin --what nightly").text, "3\n");
  EXPECT_EQ(list().status, 0);
  EXPECT_NE(list().text.find("  known     crash"), std::string::npos) << list().text;
}

TEST_F(FindingsTest, BadInputIsOneLineAndStatus2) {
  for (const char* words : {"findings list", "findings show x", "findings mark known x --why y",
                            "findings", "findings mark wrong x", "completion tcsh"}) {
    const Result result = run(std::string(words) + " 2>&1");
    EXPECT_EQ(result.status, 2) << words;
    EXPECT_EQ(result.text.find('\n'), result.text.size() - 1) << result.text;
    EXPECT_TRUE(result.text.starts_with("pipewrench: ")) << result.text;
  }
  write("findings.db", "not a database, though it is called so, and longer than a header is: 100");
  const Result result = run("findings list --store . 2>&1");
  EXPECT_EQ(result.status, 2) << result.text;
  EXPECT_TRUE(result.text.starts_with("pipewrench: ./findings.db: ")) << result.text;
}

TEST_F(FindingsTest, ShellsCompleteWhatTheProgramKnows) {
  write("bash", run("completion bash").text);
  const auto completed = [&](const std::string& words, int at) {
    return shell("bash -c 'source ./bash; COMP_WORDS=(" + words + "); COMP_CWORD=" +
                 std::to_string(at) + "; _pipewrench; echo \"${COMPREPLY[@]}\"'");
  };
  EXPECT_EQ(completed("pipewrench ex", 1).text, "explore\n");
  EXPECT_EQ(completed("pipewrench explore --stra", 2).text, "--strategy\n");
  EXPECT_EQ(completed("pipewrench findings ma", 2).text, "mark\n");
  for (const char* name : {"zsh", "fish"})
    EXPECT_NE(run(std::string("completion ") + name).text.find("strategy"), std::string::npos);
}

TEST_F(FindingsTest, TheManualPageHasEveryCommand) {
  const std::string page = run("man").text;
  EXPECT_TRUE(page.starts_with(".TH PIPEWRENCH 1\n"));
  for (const char* word : {".SS explore\n", ".SS findings mark\n", "\\-\\-strategy", ".SH EXIT"})
    EXPECT_NE(page.find(word), std::string::npos) << word;
}

// A hang and a deadlock of one cause are one; a note that became a finding stays a note too.
TEST_F(ProgramTest, TheSearchCountsAsTheListDoes) {
  Arguments arguments;
  arguments.out = root_ + "/out";
  const Scenario scenario{.name = "s"};
  auto record = SearchRecord::begin(arguments, scenario);
  ASSERT_TRUE(record.has_value());
  const auto take = [&](const char* kind, const char* signature, bool is_note) {
    Finding finding;
    finding.id = "0123456789ab";
    finding.kind = kind;
    finding.signature = signature;
    finding.peers = {"a"};
    finding.explanation = "It waits.";
    finding.note = is_note;
    EXPECT_TRUE(record->take(finding, "").has_value());
  };
  take("hang", "hang: a read pipe", true);
  take("hang", "hang: a read pipe", false);
  take("deadlock", "deadlock: a wait | a/child read pipe", false);
  EXPECT_EQ(record->causes().findings, 1U);
  EXPECT_EQ(record->causes().notes, 1U);
  EXPECT_EQ(last_line(run("findings list --strict --store out").text), "1 findings, 1 notes");
}

TEST_F(ProgramTest, ARunThatIsNotThereIsSaidAtOnce) {
  EXPECT_EQ(run("record begin --what x").text, "1\n");
  write("crash-1", "x");
  for (const char* words :
       {"explore --run 7 --runs 5 -- sh -c 'kill -SEGV $$'", "import --run 7 crash-1",
        "record end 7", "record sample 7 target conductor none"}) {
    const Result result = run(std::string(words) + " 2>&1 >/dev/null");
    EXPECT_EQ(result.status, 2) << words;
    EXPECT_EQ(result.text,
              "pipewrench: the store has no run 7; pipewrench record begin makes one\n");
  }
}

}  // namespace
}  // namespace pipewrench
