// Reports as people and scripts ask for them: where they go, and the exit status.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "harness/cli/test_program.h"

namespace pipewrench {
namespace {

class ReportTest : public ProgramTest {
 protected:
  void find_something() {
    EXPECT_EQ(run("explore --runs 5 -- sh -c 'echo \"<b>\" >&2; kill -SEGV $$'").status, 1);
  }
  std::string read(const std::string& name) const { return shell("cat " + name).text; }
};

TEST_F(ReportTest, EachFormIsWritten) {
  find_something();
  const Result text = run("report");
  EXPECT_EQ(text.status, 0);
  EXPECT_TRUE(text.text.starts_with("new: ")) << text.text;
  const Result page = run("report --format html");
  EXPECT_EQ(page.status, 0);
  EXPECT_EQ(page.text, "pipewrench-out/report.html\n");
  EXPECT_TRUE(read("pipewrench-out/report.html").starts_with("<!doctype html>\n"));
  EXPECT_EQ(run("report --format junit --out r.xml").text, "r.xml\n");
  EXPECT_NE(read("r.xml").find("failures=\"1\""), std::string::npos);
  EXPECT_EQ(run("report --format casrep --out cas").status, 0);
  EXPECT_NE(shell("ls cas").text.find(".casrep\n"), std::string::npos);
  for (const char* form : {"json", "sarif", "perfetto"}) {
    const Result result = run(std::string("report --format ") + form);
    EXPECT_EQ(result.status, 0) << form;
    EXPECT_TRUE(nlohmann::json::accept(result.text)) << form;
  }
}

TEST_F(ReportTest, GithubReadsAnnotationsAndASummary) {
  find_something();
  const Result result = shell("GITHUB_STEP_SUMMARY=sum.md '" PIPEWRENCH "' report --format github");
  EXPECT_TRUE(result.text.starts_with("::error title=crash in ")) << result.text;
  EXPECT_TRUE(read("sum.md").starts_with("## Pipewrench\n"));
}

TEST_F(ReportTest, TheTimelineKnowsAtWhichStepItShows) {
  find_something();
  const auto json = nlohmann::json::parse(run("report --format json").text);
  const std::string id = json["overview"]["findings"][0]["id"];
  const auto& timeline = json["details"][id]["timeline"];
  EXPECT_EQ(timeline["steps"][timeline["at"].get<std::size_t>()]["e"], "died");
}

TEST_F(ReportTest, WhatIsNotThereIsBadInputAndWhatCannotBeWrittenIsNot) {
  for (const char* words : {"report", "report --store none --format html", "report --format pdf",
                            "report --format casrep"}) {
    const Result result = run(std::string(words) + " 2>&1");
    EXPECT_EQ(result.status, 2) << words;
    EXPECT_TRUE(result.text.starts_with("pipewrench: ")) << result.text;
    EXPECT_EQ(result.text.find('\n'), result.text.size() - 1) << result.text;
  }
  find_something();
  EXPECT_EQ(run("report --finding none 2>&1").status, 2);
  EXPECT_EQ(run("report --format html --out none/x 2>&1").status, 3);
  EXPECT_EQ(run("report 2>/dev/null >/dev/full").status, 3);
}

}  // namespace
}  // namespace pipewrench
