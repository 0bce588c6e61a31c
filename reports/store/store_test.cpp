// SPDX-License-Identifier: MIT
#include "reports/store/store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "harness/core/prng.h"
#include "reports/store/schema.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;
using Missing = FindingStore::Missing;

class StoreOfFindings : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(root_.data()), nullptr); }
  void TearDown() override { fs::remove_all(root_); }

  FindingStore open() {
    auto store = FindingStore::open(root_, Missing::is_made);
    if (!store) throw std::runtime_error(store.error().text);
    return std::move(*store);
  }
  static std::int64_t run(FindingStore& store, const std::string& what = "nightly") {
    return store.begin({.what = what, .commit = "c0ffee", .seed = "1", .started_ms = 5}).value();
  }
  static void end(FindingStore& store, std::int64_t run, const char* outcome = "ended") {
    ASSERT_TRUE(store.end({.id = run, .outcome = outcome}));
  }
  static FindingRecord finding(std::int64_t run, const std::string& signature,
                               std::uint64_t size = 1) {
    const std::string bytes("\0<b>\377", 5);
    return {.kind = "deadlock",
            .signature = signature,
            .target = "demo",
            .cause = "cause of " + std::to_string(size) + " \377",
            .peers = {"a", "b"},
            .stacks = {{.title = "READ of size 4",
                        .frames = {{.function = "f<int>(char const*)",
                                    .file = "a.cpp",
                                    .line = 3,
                                    .ours = true,
                                    .source = "int x;\n",
                                    .source_line = 2}}}},
            .occurrences = {{.run = run,
                             .at_ms = 7,
                             .tool = "conductor",
                             .repeated = 3,
                             .tried = 3,
                             .size = size,
                             .artefacts = {{.role = "input", .name = "in", .content = bytes}}}}};
  }

  std::string root_ = fs::temp_directory_path() / "pipewrench-findings-XXXXXX";
};

TEST_F(StoreOfFindings, WhatIsTakenIsReadBackByteForByte) {
  FindingStore store = open();
  FindingRecord given = finding(run(store), "s");
  EXPECT_EQ(store.take(given).value(), Standing::new_);
  ASSERT_TRUE(store.add({.run = 1, .target = "demo", .engine = "libfuzzer", .executions = 9}));
  ASSERT_TRUE(store.end({.id = 1, .seconds = 2.5, .executions = 100, .outcome = "ended"}));
  const Records records = open().read().value();
  ASSERT_EQ(records.findings.size(), 1U);
  const FindingRecord& read = records.findings[0];
  EXPECT_EQ(read.stacks, given.stacks);
  EXPECT_EQ(read.peers, given.peers);
  EXPECT_EQ(read.cause, given.cause);
  EXPECT_EQ(read.id, finding_id(given));
  EXPECT_EQ(read.times, 1U);
  const Artefact& artefact = read.occurrences.at(0).artefacts.at(0);
  EXPECT_EQ(artefact.content, given.occurrences[0].artefacts[0].content);
  EXPECT_EQ(artefact.bytes, 5U);
  EXPECT_EQ(records.runs.at(0).seconds, 2.5);
  EXPECT_EQ(records.runs.at(0).outcome, "ended");
  EXPECT_EQ(records.samples.at(0).executions, 9U);
}

TEST_F(StoreOfFindings, TheSmallestThatRepeatsGivesTheDetails) {
  FindingStore store = open();
  const std::int64_t first = run(store);
  FindingRecord unstable = finding(first, "s", 1);
  unstable.unstable = true;
  for (const FindingRecord& next :
       {finding(first, "s", 9), finding(first, "s", 4), unstable, finding(first, "s", 6)})
    ASSERT_TRUE(store.take(next));
  const FindingRecord read = store.read().value().findings.at(0);
  EXPECT_TRUE(read.cause.starts_with("cause of 4 "));
  EXPECT_FALSE(read.unstable);
  EXPECT_EQ(read.times, 4U);
}

TEST_F(StoreOfFindings, TellsNewKnownFixedAndRegressedApart) {
  FindingStore store = open();
  const FindingRecord first = finding(run(store), "s");
  const std::string id = finding_id(first);
  const auto standing = [&] { return store.read().value().findings.at(0).standing; };
  EXPECT_EQ(store.take(first).value(), Standing::new_);
  end(store, 1);
  run(store, "another search");
  EXPECT_EQ(standing(), Standing::new_);
  const std::int64_t second = run(store);
  EXPECT_EQ(standing(), Standing::known);
  EXPECT_EQ(store.take(finding(second, "s")).value(), Standing::known);
  EXPECT_EQ(store.mark(id.substr(0, 6), Mark::fixed, "commit 12", 8).value(), id);
  EXPECT_EQ(standing(), Standing::fixed);
  EXPECT_EQ(store.take(finding(run(store), "s")).value(), Standing::regressed);
  ASSERT_TRUE(store.mark(id, Mark::ignored, "by design", 9));
  EXPECT_EQ(store.take(finding(run(store), "s")).value(), Standing::ignored);
  ASSERT_TRUE(store.mark(id, Mark::open, "", 10));
  EXPECT_EQ(standing(), Standing::known);
}

TEST_F(StoreOfFindings, WhatAKilledRunFoundIsNewUntilOneThatEndedHasToldIt) {
  FindingStore store = open();
  const auto standing = [&] { return store.read().value().findings.at(0).standing; };
  ASSERT_TRUE(store.take(finding(run(store), "s")));
  const std::int64_t second = run(store);
  EXPECT_EQ(standing(), Standing::new_);
  EXPECT_EQ(store.take(finding(second, "s")).value(), Standing::new_);
  end(store, run(store, "another search"));
  run(store);  // killed too
  EXPECT_EQ(standing(), Standing::new_);
  end(store, run(store), "stopped");
  EXPECT_EQ(standing(), Standing::new_);
  end(store, run(store, "another search"));
  EXPECT_EQ(standing(), Standing::new_);
  run(store);
  EXPECT_EQ(standing(), Standing::known);
}

// Two that run at once: neither makes old what the other finds.
TEST_F(StoreOfFindings, ARunThatBeganBeforeAnotherEndedDoesNotMakeItsFindingsOld) {
  FindingStore store = open();
  const std::int64_t first = run(store, "import"), second = run(store, "import");
  EXPECT_EQ(store.take(finding(first, "s")).value(), Standing::new_);
  end(store, first);
  EXPECT_EQ(store.take(finding(second, "s")).value(), Standing::new_);
  EXPECT_EQ(store.take(finding(second, "t")).value(), Standing::new_);
  end(store, second);
  const std::int64_t third = run(store, "import");
  for (const char* signature : {"s", "t"})
    EXPECT_EQ(store.take(finding(third, signature)).value(), Standing::known);
}

TEST_F(StoreOfFindings, AnIdThatNamesNoneOrManyIsBadInput) {
  FindingStore store = open();
  const std::int64_t first = run(store);
  std::set<std::string> starts;
  std::string twice;
  for (int i = 0; twice.empty(); ++i) {
    const FindingRecord next = finding(first, std::to_string(i));
    ASSERT_TRUE(store.take(next));
    if (!starts.insert(finding_id(next).substr(0, 1)).second) twice = finding_id(next).substr(0, 1);
  }
  for (const std::string& id : {twice, std::string("none"), std::string()}) {
    const auto marked = store.mark(id, Mark::known, "", 1);
    ASSERT_FALSE(marked);
    EXPECT_TRUE(marked.error().bad_input) << marked.error().text;
    EXPECT_EQ(marked.error().text.find('\n'), std::string::npos);
  }
}

TEST_F(StoreOfFindings, WhatIsNoStoreOfOursIsRefusedAndKept) {
  const std::string path = root_ + "/findings.db";
  EXPECT_TRUE(FindingStore::open(root_, Missing::is_an_error).error().bad_input);
  std::ofstream(path)
      << "no database, but long enough to have a header of its own: a hundred bytes\n"
         "and more, so that SQLite reads it\n";
  auto opened = FindingStore::open(root_, Missing::is_made);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().bad_input);
  EXPECT_TRUE(opened.error().text.starts_with(path + ": ")) << opened.error().text;
  fs::remove(path);
  SQLite::Database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE t (x)");
  EXPECT_TRUE(FindingStore::open(root_, Missing::is_made).error().bad_input);
  fs::remove(path);
  open();
  SQLite::Database(path, SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  opened = FindingStore::open(root_, Missing::is_made);
  EXPECT_NE(opened.error().text.find("newer"), std::string::npos) << opened.error().text;
}

TEST_F(StoreOfFindings, AnOlderOneIsBroughtUpToDate) {
  const std::string path = root_ + "/findings.db";
  {
    SQLite::Database old(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    old.exec(kSchema[0]);
    old.exec("PRAGMA application_id = 1346981957; PRAGMA user_version = 1");
    old.exec(
        "INSERT INTO runs (what, git_commit, seed, flags, started_ms) "
        "VALUES ('nightly', '', '', '', 3)");
    const auto found = [&](const char* id, int run) {
      const std::string name = "'" + std::string(id) + "'";
      old.exec("INSERT INTO findings VALUES (" + name +
               ", 'hang', '', '', '', '[]', '[]', '', '', '', 0, 0, 1)");
      old.exec(
          "INSERT INTO occurrences (finding, run, at_ms, tool, sanitizer, source, repeated, tried, "
          "size) VALUES (" +
          name + ", " + std::to_string(run) + ", 0, '', '', '', 1, 1, 1)");
    };
    found("told", 1);
    found("killed", 2);
    old.exec("UPDATE runs SET outcome = 'ended'");
    old.exec("INSERT INTO runs SELECT 2, what, '', '', '', 3, 0, 0, '' FROM runs");
  }
  FindingStore store = open();
  EXPECT_TRUE(store.add({.run = 1, .target = "t"}));
  EXPECT_EQ(store.read().value().runs.size(), 2U);
  EXPECT_EQ(store.read().value().samples.size(), 1U);
  run(store);
  for (const FindingRecord& read : store.read().value().findings)
    EXPECT_EQ(read.standing, read.id == "told" ? Standing::known : Standing::new_) << read.id;
}

// Shown as its cause, by whichever name it is asked for.
TEST_F(StoreOfFindings, WhatHasAnotherCauseIsShownAsThat) {
  FindingStore store = open();
  const std::int64_t first = run(store);
  const FindingRecord cause = finding(first, "cause", 1), symptom = finding(first, "symptom", 3);
  const std::string cause_id = finding_id(cause), symptom_id = finding_id(symptom);
  ASSERT_TRUE(store.take(cause));
  EXPECT_EQ(store.take(symptom, cause_id).value(), Standing::new_);
  const auto all = store.read().value().findings;
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].signature, "cause");
  EXPECT_EQ(all[0].times, 1U);
  EXPECT_EQ(store.id_of(symptom_id).value(), cause_id);
  ASSERT_TRUE(store.mark(symptom_id, Mark::known, "it is", 9));
  EXPECT_EQ(store.take(symptom, cause_id).value(), Standing::known);
  // The same may show without it: then it is a finding of its own.
  EXPECT_EQ(store.take(symptom).value(), Standing::new_);
  EXPECT_EQ(store.read().value().findings.size(), 2U);
  EXPECT_EQ(store.id_of(symptom_id).value(), symptom_id);
}

TEST_F(StoreOfFindings, WhatAnOlderVersionHasNamedKeepsItsName) {
  FindingStore store = open();
  const std::int64_t first = run(store);
  const FindingRecord before = finding(first, "waits: a");
  FindingRecord now = finding(first, "ring: a"), other = finding(first, "ring: b");
  for (FindingRecord* one : {&now, &other}) one->id = finding_id(*one);
  now.former_id = finding_id(before);
  EXPECT_EQ(store.id_for(now).value(), now.id);
  ASSERT_TRUE(store.take(before));
  EXPECT_EQ(store.id_for(now).value(), now.former_id);
  EXPECT_EQ(store.id_for(other).value(), other.id);
  ASSERT_TRUE(store.take(now));
  EXPECT_EQ(store.id_for(now).value(), now.id);
  // What only counts as another's is not there.
  EXPECT_TRUE(store.is_there(now.id).value());
  EXPECT_FALSE(store.is_there(other.id).value());
  ASSERT_TRUE(store.take(other, now.id));
  EXPECT_FALSE(store.is_there(other.id).value());
}

TEST_F(StoreOfFindings, WhatWasToldIsTheVerySameInput) {
  FindingStore store = open();
  FindingRecord one = finding(run(store), "s"), other = one;
  for (FindingRecord* record : {&one, &other}) record->id = finding_id(*record);
  one.occurrences[0].artefacts = {{.role = "input", .name = "i", .content = "long bad"}};
  other.occurrences[0].artefacts = {{.role = "input", .name = "i", .content = "so bad"}};
  ASSERT_TRUE(store.take(one));
  EXPECT_FALSE(store.was_told(one).value());  // no run has ended
  ASSERT_TRUE(store.end({.id = one.occurrences[0].run, .outcome = "ended"}));
  run(store);
  EXPECT_TRUE(store.was_told(one).value());
  EXPECT_FALSE(store.was_told(other).value());
}

TEST_F(StoreOfFindings, AnArtefactThatWasChangedIsNotShown) {
  FindingStore store = open();
  ASSERT_TRUE(store.take(finding(run(store), "s")));
  const std::string hash = store.read().value().findings[0].occurrences[0].artefacts[0].hash;
  const std::string path = root_ + "/artefacts/" + hash.substr(0, 2) + "/" + hash.substr(2);
  std::ofstream(path) << "other";
  const Artefact changed = store.read().value().findings[0].occurrences[0].artefacts[0];
  EXPECT_TRUE(changed.damage.starts_with(path)) << changed.damage;
  EXPECT_EQ(changed.content, "");
}

// Writes a finding for each byte that it is given, and says each one that is stored by a byte.
[[noreturn]] void write_for_ever(const std::string& root, int go, int says, int who) {
  auto store = FindingStore::open(root, Missing::is_made);
  if (!store) ::_exit(3);
  const auto run = store->begin({.what = "writer " + std::to_string(who)});
  if (!run) ::_exit(4);
  char given = 0;
  for (int i = 0;; ++i) {
    if (::read(go, &given, 1) != 1) ::_exit(7);
    FindingRecord finding{.kind = "hang",
                          .signature = std::to_string(i),
                          .target = "writer " + std::to_string(who),
                          .occurrences = {{.run = *run}}};
    finding.occurrences[0].artefacts = {
        {.role = "log",
         .name = "log",
         .content = std::string(5000, static_cast<char>('a' + i % 26)) + finding.target}};
    if (!store->take(finding)) ::_exit(5);
    if (::write(says, "x", 1) != 1) ::_exit(6);
  }
}

constexpr int kKills = 200;  // in rounds of
constexpr int kAtOnce = 4;   // writers

TEST_F(StoreOfFindings, KilledWritersLoseNothingThatWasReported) {
  Prng prng(20260401);
  std::uint64_t reported = 0;
  for (int round = 0; round < kKills / kAtOnce; ++round) {
    struct Writer {
      pid_t pid;
      int go, says;
    };
    std::vector<Writer> writers;
    for (int i = 0; i < kAtOnce; ++i) {
      int go[2], says[2];
      ASSERT_EQ(::pipe2(go, O_CLOEXEC), 0);
      ASSERT_EQ(::pipe2(says, O_CLOEXEC), 0);
      const pid_t pid = ::fork();
      if (pid == 0) write_for_ever(root_, go[0], says[1], round * kAtOnce + i);
      ::close(says[1]);
      writers.push_back({pid, go[1], says[0]});
      ::close(go[0]);
    }
    for (const Writer& writer : writers) {
      // Some before they have opened the store, some in the middle of a later finding.
      char said[16] = {};
      const std::uint64_t wait = prng.below(6);
      ASSERT_EQ(::write(writer.go, said, wait + 1), static_cast<ssize_t>(wait + 1));
      for (std::uint64_t i = 0; i < wait; ++i) {
        ASSERT_EQ(::read(writer.says, said, 1), 1);
        ++reported;
      }
      ::kill(writer.pid, SIGKILL);
      int status = 0;
      ASSERT_EQ(::waitpid(writer.pid, &status, 0), writer.pid);
      EXPECT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
      for (ssize_t got = 1; got > 0;) {
        got = ::read(writer.says, said, sizeof said);
        if (got > 0) reported += static_cast<std::uint64_t>(got);
      }
      ::close(writer.says);
      ::close(writer.go);
    }
  }
  SQLite::Database database(root_ + "/findings.db", SQLite::OPEN_READONLY);
  EXPECT_EQ(database.execAndGet("PRAGMA integrity_check").getString(), "ok");
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM pragma_foreign_key_check").getInt(), 0);
  FindingStore store = open();
  const Records records = store.read().value();
  for (const FindingRecord& finding : records.findings)
    EXPECT_EQ(finding.occurrences.at(0).artefacts.at(0).damage, "");
  EXPECT_GE(records.findings.size(), reported);
  EXPECT_LE(records.findings.size(), reported + kKills);
  EXPECT_GT(reported, static_cast<std::uint64_t>(kKills));
  for (const auto& entry : fs::directory_iterator(root_ + "/artefacts"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".new-")) << entry.path();
}

}  // namespace
}  // namespace pipewrench
