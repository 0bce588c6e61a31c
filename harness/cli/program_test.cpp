// The program as scripts use it: exit statuses, first and last line, JSON, what lies in --out. The
// peers are shells.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "harness/cli/test_program.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

TEST_F(ProgramTest, ACalmRunOfARightProgramPasses) {
  const Result result = run("run -- sh -c 'echo hello; exit 3'");
  EXPECT_EQ(result.status, 0) << result.text;
  EXPECT_TRUE(first_line(result.text).starts_with("seed=1 ")) << result.text;
  EXPECT_NE(result.text.find("sh| hello\n"), std::string::npos) << result.text;
  EXPECT_NE(result.text.find("sh: exit status 3\n"), std::string::npos) << result.text;
  EXPECT_EQ(last_line(result.text), "pass");
}

TEST_F(ProgramTest, RunSaysItInJson) {
  const Result result = run("run --json -- sh -c 'printf \"\\033[2J\\377\"' :: sh -c 'kill -9 $$'");
  const auto json = nlohmann::json::parse(result.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << result.text;
  EXPECT_EQ(json.at("peers").size(), 2U);
  EXPECT_EQ(json.at("peers")[0].at("exit_status"), 0);
  EXPECT_EQ(json.at("peers")[1].at("name"), "sh.2");
  EXPECT_EQ(json.at("peers")[1].at("signal"), "SIGKILL");
  EXPECT_EQ(json.at("peers")[1].at("fate"), "dies of SIGKILL");
  EXPECT_EQ(json.at("trace_hash").get<std::string>().size(), 16U);
}

TEST_F(ProgramTest, ACrashIsFoundStoredAndReplayed) {
  const Result found = run("explore --runs 20 --out out -- sh -c 'kill -SEGV $$'");
  EXPECT_EQ(found.status, 1) << found.text;
  EXPECT_TRUE(first_line(found.text).starts_with("seed=1 ")) << found.text;
  const std::string replay = last_line(found.text);
  ASSERT_TRUE(replay.starts_with("replay: pipewrench replay out/crash-")) << found.text;
  const std::string finding = replay.substr(replay.rfind(' ') + 1);
  for (const char* name :
       {"scenario.toml", "plan.txt", "trace.jsonl", "finding.json", "README", "sh.out", "sh.err"})
    EXPECT_TRUE(fs::exists(root_ + "/" + finding + "/" + name)) << name;
  const Result again = run("replay " + finding + " --times 5");
  EXPECT_EQ(again.status, 1) << again.text;
  EXPECT_NE(again.text.find("5 of 5 runs: crash; 5 of 5 traces"), std::string::npos) << again.text;
  EXPECT_EQ(run("shrink " + finding).status, 1);
}

TEST_F(ProgramTest, GdbStopsAPeerBeforeTheFinding) {
  if (shell("command -v gdb >/dev/null").status != 0) GTEST_SKIP() << "no gdb here";
  write("scenario.toml", "[setup]\nfifo = [\"room\"]\n[[peer]]\nrun = [\"cat\", \"room\"]\n");
  write("plan.txt", "");
  const std::string gdb = "'" PIPEWRENCH "' replay plan.txt --gdb ";
  const Result stuck = shell("printf 'bt\ncontinue\nquit\n' | " + gdb + "cat 2>&1");
  EXPECT_EQ(stuck.status, 1) << stuck.text;
  EXPECT_NE(stuck.text.find("gdb stops cat before its call #"), std::string::npos) << stuck.text;
  EXPECT_NE(stuck.text.find("#0 "), std::string::npos) << stuck.text;
  // Whoever lets go of it lets the plan go on to its end.
  EXPECT_EQ(shell("printf 'detach\nquit\n' | " + gdb + "cat 2>&1").status, 1);
  const Result nobody = shell(gdb + "dog 2>&1");
  EXPECT_EQ(nobody.status, 2);
  EXPECT_NE(nobody.text.find("there are cat"), std::string::npos) << nobody.text;
}

TEST_F(ProgramTest, ExploringARightProgramFindsNothing) {
  const Result result = run("explore --json --runs 30 --seed c0ffee -- sh -c 'echo a | cat'");
  EXPECT_EQ(result.status, 0) << result.text;
  const auto start = nlohmann::json::parse(first_line(result.text), nullptr, false);
  EXPECT_EQ(start.at("seed"), 0xc0ffee);
  const auto end = nlohmann::json::parse(last_line(result.text), nullptr, false);
  for (const char* key :
       {"runs", "seconds", "runs_per_second", "steps", "unmanaged", "findings", "notes"})
    EXPECT_TRUE(end.contains(key)) << key;
  EXPECT_TRUE(end.at("findings").empty());
}

TEST_F(ProgramTest, ACalmRunThatFailsIsTheFirstFinding) {
  write("calm.toml",
        "[[peer]]\nname = \"a\"\nrun = [\"sh\", \"-c\", \"kill -PIPE $$\"]\n"
        "[[expect.peer]]\nname = \"a\"\nexit_status = 0\n");
  const Result once = run("run calm.toml");
  EXPECT_EQ(once.status, 1) << once.text;
  EXPECT_EQ(last_line(once.text), "finding expect: a dies of SIGPIPE; the scenario expects 0.");
  const Result search = run("explore --runs 20 --out out calm.toml");
  EXPECT_EQ(search.status, 1) << search.text;
  EXPECT_NE(search.text.find("expect: a exit status (0 deviations"), std::string::npos);
  EXPECT_NE(search.text.find("compared with: in it a dies of SIGPIPE\n"), std::string::npos);
}

TEST_F(ProgramTest, WhoRestsInTheCalmRunIsNamed) {
  write("rest.toml", "[setup]\nfifo = [\"room\"]\n[[peer]]\nrun = [\"cat\", \"room\"]\n");
  const Result result = run("run rest.toml");
  EXPECT_EQ(result.status, 0) << result.text;
  EXPECT_NE(result.text.find("cat: waits in open(fifo ./room) when the run ends; ended by the "),
            std::string::npos)
      << result.text;
}

TEST_F(ProgramTest, WhatRanUnmanagedIsNamed) {
  const std::string unseen = " -- " TEST_HOSTILE " sleeps-unseen";
  const std::string said = "\nnot under control: test_hostile sleeps in ";
  const Result once = run("run" + unseen);
  EXPECT_NE(once.text.find(said), std::string::npos) << once.text;
  const Result search = run("explore --runs 5 --out out" + unseen);
  EXPECT_NE(search.text.find(said), std::string::npos) << search.text;
}

// harness/start reads it so.
TEST_F(ProgramTest, TheSummaryBeginsWithItsNumbers) {
  const Result result = run("explore --runs 2 --out out -- sh -c 'kill -SEGV $$'");
  EXPECT_NE(result.text.find("\n1 findings, 0 notes; 4 runs in "), std::string::npos)
      << result.text;
  EXPECT_NE(result.text.find("/s), 2 of them to make sure of the last, "), std::string::npos);
}

TEST_F(ProgramTest, AFileThatThePeersDoNotHaveIsNamed) {
  write("input.txt", "hello");
  const Result result = run("run -- cat input.txt 2>&1");
  EXPECT_NE(result.text.find("'input.txt' is a file here"), std::string::npos) << result.text;
  EXPECT_EQ(run("run -- cat " + root_ + "/input.txt 2>&1").text.find("a file here"),
            std::string::npos);
}

TEST_F(ProgramTest, APlanIsPlayed) {
  write("plan", "sh/1#1 kill  # the child\n");
  const Result result =
      run("run --plan plan --trace trace.jsonl --timeline -- sh -c '(echo a | cat); exit 0'");
  EXPECT_NE(result.text.find("killed by the plan"), std::string::npos) << result.text;
  EXPECT_TRUE(fs::exists(root_ + "/trace.jsonl"));
}

TEST_F(ProgramTest, BadInputIsTwoAndOneLine) {
  write("bad.toml", "[[peer]]\nrun = 7\n");
  write("bad.plan", "sh#1 dance\n");
  write("file", "");
  for (const char* arguments :
       {"", "dance", "run", "run nowhere.toml", "run bad.toml", "run -- ./nowhere",
        "run --plan bad.plan -- sh -c :", "explore --budget never -- sh",
        "run -- sh ::", "replay nowhere", "replay file"}) {
    const Result result = run(std::string(arguments) + " 2>&1");
    EXPECT_EQ(result.status, 2) << arguments;
    EXPECT_EQ(last_line(result.text) + "\n", result.text) << arguments;
  }
}

TEST_F(ProgramTest, APlanOfAnotherScenarioIsNamedByItsLine) {
  write("plan", "# mine\nbefore sh/1#2 run sh\n\nreader#3 kill\n");
  const Result result = run("run --plan plan -- sh -c : :: cat 2>&1");
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.text, "pipewrench: plan:4: no peer is named \"reader\"; there are sh, cat\n");
}

TEST_F(ProgramTest, AnUnknownCommandIsNamed) {
  EXPECT_TRUE(
      run("dance 2>&1").text.starts_with("pipewrench: no command 'dance'; there are run, "));
  EXPECT_TRUE(run("--dance 2>&1").text.starts_with("pipewrench: no command '--dance'; there are "));
  EXPECT_TRUE(run("2>&1").text.starts_with("pipewrench: no command; there are run, "));
  const std::string after = "programs come after --: pipewrench explore -- CMD ARGS :: CMD ARGS\n";
  EXPECT_EQ(run("./writer 2>&1").text, "pipewrench: no command './writer'; " + after);
  EXPECT_TRUE(run("explore ./writer ./reader 2>&1").text.ends_with(after));
  EXPECT_EQ(run("explore /bin/true 2>&1").text,
            "pipewrench: /bin/true: a program, not a scenario: programs come after --, as in -- "
            "/bin/true\n");
  EXPECT_EQ(run("explore --run 0 -- sh 2>&1").text,
            "pipewrench: --run: '0': add to the run of this number in the store (see record)\n");
  EXPECT_EQ(run("findings dance 2>&1").text,
            "pipewrench: no command 'findings dance'; there are list, show, mark\n");
  EXPECT_EQ(run("findings 2>&1").text,
            "pipewrench: 'findings' is not all; there are list, show, mark\n");
  EXPECT_EQ(run("findings --help 2>&1").status, 0);
}

TEST_F(ProgramTest, WhatCannotBePrintedIsTheEnvironments) {
  for (const char* arguments : {"run -- sh -c :", "run --json -- sh -c :", "doctor", "man",
                                "--help", "explore --runs 5 --out out -- sh -c :"}) {
    const Result result = run(std::string(arguments) + " 2>&1 >/dev/full");
    EXPECT_EQ(result.status, 3) << arguments;
    EXPECT_EQ(first_line(result.text).substr(0, 50),
              "pipewrench: standard output cannot be written, wha");
    EXPECT_EQ(last_line(result.text) + "\n", result.text) << arguments;
  }
}

TEST_F(ProgramTest, TheSearchAgainGoesToTheSamePlace) {
  const Result result =
      run("explore --strict --realism posix --strategy pct,sweep --runs 5 --out 'a b' -- sh -c :");
  EXPECT_EQ(last_line(result.text),
            "again: pipewrench explore --seed 1 --out 'a b' --strategy pct,sweep --realism posix "
            "--strict --runs 5 -- sh -c :");
}

TEST_F(ProgramTest, BenchFindsTheProgramsOfItsOwnBuild) {
  const std::string build = root_ + "/build/some/";
  for (const char* folder : {"corpus/scenarios/planted", "elsewhere/targets/planted/programs"})
    fs::create_directories(root_ + "/" + folder);
  for (const char* folder : {"harness/cli", "targets/planted/programs"})
    fs::create_directories(build + folder);
  fs::copy_file(PIPEWRENCH, build + "harness/cli/pipewrench");
  write("corpus/scenarios/planted/toy.toml",
        "[[peer]]\nrun = [\"toy\"]\n[planted]\nkind = \"crash\"\n");
  const std::string bench =
      "cd elsewhere && ../build/some/harness/cli/pipewrench bench --budget 2s";
  const Result none = shell(bench + " 2>&1");
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.text.find("no program 'toy' for peer toy (the build target planted_programs"),
            std::string::npos)
      << none.text;
  for (const auto& [name, text] :
       {std::pair("toy", "kill -SEGV $$"), std::pair("toy_fixed", ":")}) {
    write(std::string("build/some/targets/planted/programs/") + name,
          std::string("#!/bin/sh\n") + text + "\n");
    fs::permissions(build + "targets/planted/programs/" + name, fs::perms::owner_all);
  }
  const Result found = shell(bench);
  EXPECT_EQ(found.status, 0) << found.text;
  EXPECT_TRUE(last_line(found.text).starts_with("found 1 of 1")) << found.text;
}

TEST_F(ProgramTest, APlaceThatCannotBeWrittenIsTheEnvironments) {
  const Result result = run("explore --runs 5 --out /proc/self/nowhere -- sh -c : 2>&1");
  EXPECT_EQ(result.status, 3) << result.text;
}

TEST_F(ProgramTest, DoctorKnowsThisMachine) {
  const Result result = run("doctor --json");
  const auto json = nlohmann::json::parse(result.text, nullptr, false);
  ASSERT_TRUE(json.is_object()) << result.text;
  EXPECT_EQ(result.status, json.at("can_explore").get<bool>() ? 0 : 3);
}

}  // namespace
}  // namespace pipewrench
