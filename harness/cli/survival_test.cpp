// Whatever dies, the harness included, and whatever a peer does: it ends, nothing is left, and what
// was found can be read. Moments are counts of looks at the program, from a seed.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/msg.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/cli/load.h"
#include "harness/cli/test_victim.h"
#include "harness/core/prng.h"
#include "harness/scenario/parse_scenario.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

constexpr int kMoments = SURVIVAL_MOMENTS;
// Under sanitizers a fork costs twenty times as much: fewer of everything, the same things.
constexpr bool kSlow = kMoments < 100;
constexpr std::uint64_t kMostLooks = 150;  // of a millisecond, until the program says something

// What the host could be left with.
std::string host() {
  std::string all;
  for (const char* table :
       {"/proc/sysvipc/msg", "/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/self/mountinfo"})
    all += content_of(table);
  for (const char* place : {"/mnt", "/media", "/srv"})
    for (const auto& entry : fs::directory_iterator(place)) all += entry.path().string() + "\n";
  return all;
}

// Others on this machine may make objects meanwhile: not in a namespace of our own, if we may. An
// ordinary user needs one of users around it (user_namespaces(7)).
void leave_the_others() {
  if (::unshare(CLONE_NEWIPC) == 0) return;
  const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0) return;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << user + " " + user + " 1";
  std::ofstream("/proc/self/gid_map") << group + " " + group + " 1";
}

class SurvivalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    leave_the_others();
    ASSERT_NE(::mkdtemp(root_.data()), nullptr);
    before_ = host();
  }
  void TearDown() override {
    nothing_is_left();
    fs::remove_all(root_);
  }
  Victim start(const std::vector<std::string>& arguments) { return {root_, root_, arguments}; }
  static std::vector<std::string> busy(const std::string& runs) {
    return {"explore", "--runs", runs, "--out", "out", "--", TEST_HOSTILE, "busy"};
  }
  void nothing_is_left() {
    EXPECT_EQ(left_of(root_), std::vector<pid_t>{});
    EXPECT_EQ(host(), before_);
    for (const auto& entry : fs::directory_iterator(root_)) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(name == "out" || name == "peer.toml") << name;
    }
  }
  // Each finding is whole; returns how many there are.
  int findings_are_whole() const {
    int found = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(root_ + "/out", none)) {
      const std::string name = entry.path().filename();
      if (name.starts_with(".new-") || name == "artefacts" || name.starts_with("findings.db"))
        continue;
      ++found;
      EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-0123456789"), name.npos);
      const std::string folder = entry.path();
      EXPECT_TRUE(nlohmann::json::accept(content_of(folder + "/finding.json"))) << folder;
      const auto scenario = parse_scenario(content_of(folder + "/scenario.toml"), "scenario");
      EXPECT_TRUE(scenario && load_plan(folder + "/plan.txt", *scenario)) << folder;
      EXPECT_NE(content_of(folder + "/README"), "") << folder;
      EXPECT_TRUE(content_of(folder + "/trace.jsonl").ends_with("}\n")) << folder;
    }
    return found;
  }

  std::string root_ = fs::temp_directory_path() / "pipewrench-survival-XXXXXX";
  std::string before_;
};

// It has said who it is, and some looks more have passed.
void wait_for_moment(Victim& victim, std::uint64_t looks) {
  while (victim.text().empty() && victim.look(1)) continue;
  for (std::uint64_t i = 0; i < looks && victim.look(1); ++i) continue;
}

long count_of(const std::string& text, const std::string& part) {
  long count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST_F(SurvivalTest, KilledAtAnyMoment) {
  Prng prng(20260101);
  for (int i = 0; i < kMoments; ++i) {
    Victim victim = start(busy("1000000"));
    // Every fourth while it still starts.
    if (i % 4 != 0) wait_for_moment(victim, prng.below(kMostLooks));
    for (std::uint64_t looks = i % 4 == 0 ? prng.below(20) : 0; looks > 0; --looks) victim.look(1);
    EXPECT_EQ(victim.kill(), -SIGKILL) << victim.text();
    nothing_is_left();
    findings_are_whole();
    ASSERT_FALSE(HasFailure()) << "moment " << i << "\n" << victim.text();
  }
  Victim last = start(busy("100"));
  EXPECT_EQ(last.end(), 1) << last.text();
  EXPECT_GE(findings_are_whole(), 1);
  for (const auto& entry : fs::directory_iterator(root_ + "/out"))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".new-")) << entry.path();
}

// A search goes on without the one that died, and says so in one line.
TEST_F(SurvivalTest, AWorkerOrItsStageIsKilled) {
  Prng prng(20260102);
  for (int i = 0; i < (kSlow ? 4 : 10); ++i) {
    Victim victim = start(busy(kSlow ? "150" : "500"));
    wait_for_moment(victim, prng.below(kMostLooks));
    std::vector<pid_t> targets = children_of(victim.pid());
    if (i % 2 == 0 && !targets.empty()) targets = children_of(targets[0]);
    const bool hit = !targets.empty() && ::kill(targets[0], SIGKILL) == 0;
    // In the calm run nothing else can be tried.
    const int status = victim.end();
    EXPECT_EQ(status, count_of(victim.text(), "Again: ") > 0 ? 1 : 4) << victim.text();
    EXPECT_EQ(count_of(victim.text(), "pipewrench: "), hit ? 1 : 0) << victim.text();
    findings_are_whole();
    nothing_is_left();
  }
}

TEST_F(SurvivalTest, ASignalEndsItCleanly) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Victim victim = start(busy("1000000"));
    while (count_of(victim.text(), "Again: ") == 0 && victim.look(-1)) continue;
    ::kill(victim.pid(), signal);
    EXPECT_EQ(victim.end(), 1) << victim.text();
    EXPECT_GE(findings_are_whole(), 1);
  }
}

TEST_F(SurvivalTest, TheDiskIsFull) {
  fs::create_directory(root_ + "/out");
  const bool own = ::unshare(CLONE_NEWNS) == 0 &&
                   ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (!own || ::mount("full", (root_ + "/out").c_str(), "tmpfs", 0, "size=16k") != 0)
    GTEST_SKIP() << "mounting is forbidden";
  before_ = host();
  Victim victim = start(busy("300"));
  EXPECT_EQ(victim.end(), 3) << victim.text();
  EXPECT_EQ(count_of(victim.text(), "No space left on device"), 1) << victim.text();
  EXPECT_EQ(findings_are_whole(), 0);
  EXPECT_EQ(::umount2((root_ + "/out").c_str(), MNT_DETACH), 0);
  before_ = host();
}

// On the host only what the peers made goes; a stranger's queue stays.
TEST_F(SurvivalTest, WithoutNamespacesOnlyWhatPeersMadeIsRemoved) {
  const int stranger = ::msgget(IPC_PRIVATE, 0600);
  before_ = host();
  for (const char* behaviour : {"busy", "ignores-signals", "leaves-session", "fork-and-stay"}) {
    Victim victim = start({"explore", "--no-namespaces", "--runs", kSlow ? "5" : "20", "--out",
                           "out", "--", TEST_HOSTILE, behaviour});
    EXPECT_LE(static_cast<unsigned>(victim.end()), 1U) << victim.text();
    nothing_is_left();
  }
  Victim victim =
      start({"explore", "--no-namespaces", "--out", "out", "--", TEST_HOSTILE, "ignores-signals"});
  wait_for_moment(victim, 20);
  victim.kill();
  nothing_is_left();
  Prng prng(20260103);
  for (int i = 0; i < (kSlow ? 4 : 20); ++i) {
    Victim busy = start({"explore", "--no-namespaces", "--runs", "1000000", "--out", "out", "--",
                         TEST_HOSTILE, "busy"});
    wait_for_moment(busy, prng.below(kMostLooks));
    busy.kill();
    nothing_is_left();
  }
  EXPECT_EQ(::msgctl(stranger, IPC_RMID, nullptr), 0);
  before_ = host();
}

class HostilePeer : public SurvivalTest, public testing::WithParamInterface<const char*> {};

bool is_clean(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

TEST_P(HostilePeer, DoesNoHarm) {
  std::ofstream(root_ + "/peer.toml")
      << "peer = [{ run = ['" << TEST_HOSTILE << "', '" << GetParam() << "'] }]\n"
      << "limits = { memory_bytes = 200_000_000, processes = " << (kSlow ? 48 : 256) << " }\n";
  if (!kSlow) {
    Victim run = start({"run", "--timeline", "peer.toml"});
    EXPECT_LE(static_cast<unsigned>(run.end()), 1U) << run.text();
    EXPECT_TRUE(is_clean(run.text())) << run.text();
  }
  Victim explore = start({"explore", "--json", "--runs", "4", "--out", "out", "peer.toml"});
  EXPECT_LE(static_cast<unsigned>(explore.end()), 1U) << explore.text();
  EXPECT_TRUE(is_clean(explore.text())) << explore.text();
  std::istringstream lines(explore.text());
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
  findings_are_whole();
}

INSTANTIATE_TEST_SUITE_P(Survival, HostilePeer,
                         testing::Values("fork-and-stay", "fork-everywhere", "fork-and-go",
                                         "memory", "shared-memory", "output", "file",
                                         "ignores-signals", "stops", "closes-all", "leaves-session",
                                         "execs-nothing", "kills-everybody", "says-anything"),
                         [](const auto& chosen) {
                           std::string name = chosen.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// The program's own name and its arguments are hostile.
TEST_F(SurvivalTest, ANameOfAProgramIsNoPathAndNoCommand) {
  const std::string folder = root_ + "/out/\033[2J $(id)\n<b>";
  fs::create_directories(folder);
  for (const char* name : {"..", "-rf", "a\033[31m'\"`;<script>\n\377"}) {
    const std::string program = folder + "/x" + name;
    fs::create_symlink(TEST_HOSTILE, program);
    Victim victim = start({"explore", "--runs", "4", "--out", "out/found", "--", program,
                           "says-anything", "../../etc\033"});
    EXPECT_EQ(victim.end(), 1) << victim.text();
    EXPECT_TRUE(is_clean(victim.text())) << victim.text();
    for (const auto& entry : fs::recursive_directory_iterator(root_ + "/out/found")) {
      EXPECT_TRUE(is_clean(entry.path())) << entry.path();
      EXPECT_EQ(entry.path().string().find_first_of("'\"<>$\n"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace pipewrench
