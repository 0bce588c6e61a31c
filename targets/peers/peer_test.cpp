// Sessions of real peers: both orders of starting, every kind of end, recovery after SIGKILL, and
// nothing left behind.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "targets/peers/test_killed.h"
#include "targets/peers/test_meeting.h"
#include "targets/peers/test_peer.h"

namespace peers {

const char* const peer_path = PEER_PATH;

namespace {

// In an IPC namespace of its own, so that "no object is left" is a fact about these peers.
bool enter_own_namespace() {
  if (::unshare(CLONE_NEWIPC) == 0) return true;
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWIPC) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << uid << ' ' << uid << " 1";
  std::ofstream("/proc/self/gid_map") << gid << ' ' << gid << " 1";
  return ::geteuid() == uid;
}

class Fixture : public testing::Test {
 protected:
  void SetUp() override {
    static const bool is_own = enter_own_namespace();
    if (!is_own) GTEST_SKIP() << "this user may not have an IPC namespace (unshare(2))";
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(meeting.names(), kept);
    EXPECT_EQ(count_sysv_objects(), kept_objects);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  }
  PeerProcess start(std::vector<std::string> words) { return {meeting, std::move(words)}; }

  Meeting meeting;
  std::vector<std::string> kept;  // names that were there before and must stay
  std::size_t kept_objects = 0;
};

// Two sides of a transport; a's lines go to b and, where is_two_way, b's to a.
struct Transport {
  const char* name;
  std::vector<std::string> a;
  std::vector<std::string> b;
  const char* room;
  bool is_two_way = true;
  const char* after_a = "";  // after each line that a types: the mtype of a queue
  const char* after_b = "";
};

void PrintTo(const Transport& transport, std::ostream* out) { *out << transport.name; }

class Chat : public Fixture, public testing::WithParamInterface<Transport> {
 protected:
  PeerProcess start_a() { return start(GetParam().a); }
  PeerProcess start_b() { return start(GetParam().b); }
  void a_types(PeerProcess& a, const std::string& line) {
    a.type(line + "\n" + GetParam().after_a);
  }
  void b_types(PeerProcess& b, const std::string& line) {
    b.type(line + "\n" + GetParam().after_b);
  }
  // After this both are in the middle of the session.
  void greet(PeerProcess& a, PeerProcess& b) {
    a_types(a, "hello");
    ASSERT_EQ(b.line(), "hello");
    if (!GetParam().is_two_way) return;
    b_types(b, "good day");
    ASSERT_EQ(a.line(), "good day");
  }
  void expect_good_ends(PeerProcess& a, PeerProcess& b) {
    EXPECT_EQ(a.end(), 0) << a.complaints();
    EXPECT_EQ(b.end(), 0) << b.complaints();
  }
};

const Transport kTransports[] = {
    {"fifo", {"fifo-chat", "side=a"}, {"fifo-chat", "side=b"}, "fifo-chat.room"},
    {"queue",
     {"queue-chat", "type=1"},
     {"queue-chat", "type=2"},
     "queue-chat.room",
     true,
     "2\n",
     "1\n"},
    {"stream", {"socket-chat", "side=server"}, {"socket-chat", "side=client"}, "socket-chat.room"},
    {"seqpacket",
     {"socket-chat", "side=server", "kind=seqpacket"},
     {"socket-chat", "side=client", "kind=seqpacket"},
     "socket-chat.room"},
    {"shm", {"shm-writer"}, {"shm-reader"}, "shm.room", false},
};
INSTANTIATE_TEST_SUITE_P(Transports, Chat, testing::ValuesIn(kTransports),
                         [](const auto& one) { return std::string(one.param.name); });

TEST_P(Chat, goes_on_when_a_is_started_first_and_ends_with_its_input) {
  PeerProcess a = start_a();
  meeting.wait_for(GetParam().room);
  PeerProcess b = start_b();
  greet(a, b);
  a.end_input();
  expect_good_ends(a, b);
}

TEST_P(Chat, goes_on_when_b_is_started_first_and_ends_with_its_input) {
  PeerProcess b = start_b();
  meeting.wait_for(GetParam().room);
  PeerProcess a = start_a();
  greet(a, b);
  b.end_input();
  expect_good_ends(a, b);
}

TEST_P(Chat, carries_lines_whole_and_in_order) {
  PeerProcess a = start_a();
  PeerProcess b = start_b();
  const std::string zeros(3, '\0');
  std::string big;
  for (int i = 0; big.size() < 100'000; ++i) big += std::to_string(i) + ' ';
  a_types(a, "");
  a_types(a, "one\ttab, \x1b[1mred, \x7f and \r");
  a_types(a, zeros + "after NULs");
  a_types(a, big);
  a_types(a, "");
  EXPECT_EQ(b.line(), "");
  EXPECT_EQ(b.line(), "one\\ttab, \\x1b[1mred, \\x7f and \\r");
  EXPECT_EQ(b.line(), "\\x00\\x00\\x00after NULs");
  EXPECT_EQ(b.line(), big);
  EXPECT_EQ(b.line(), "");
  for (int i = 0; i < 2000; ++i) a_types(a, "line " + std::to_string(i));
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(b.line(), "line " + std::to_string(i));
  a.end_input();
  expect_good_ends(a, b);
}

TEST_P(Chat, sends_a_last_line_without_newline) {
  PeerProcess a = start_a();
  PeerProcess b = start_b();
  greet(a, b);
  std::string last = std::string("last\n") + GetParam().after_a;
  last.pop_back();
  a.type(last);
  a.end_input();
  EXPECT_EQ(b.line(), "last");
  expect_good_ends(a, b);
}

TEST_P(Chat, delivers_what_was_typed_before_the_other_came) {
  PeerProcess a = start_a();
  a_types(a, "early");
  a_types(a, "bird");
  a.end_input();
  meeting.wait_for(GetParam().room);
  PeerProcess b = start_b();
  EXPECT_EQ(b.line(), "early");
  EXPECT_EQ(b.line(), "bird");
  expect_good_ends(a, b);
}

TEST_P(Chat, ends_both_sides_by_a_signal_to_either) {
  for (const int number : {SIGINT, SIGTERM}) {
    for (const bool is_to_a : {true, false}) {
      PeerProcess a = start_a();
      PeerProcess b = start_b();
      greet(a, b);
      a_types(a, "typed before");
      (is_to_a ? a : b).signal(number);
      EXPECT_EQ(b.line(), "typed before");
      expect_good_ends(a, b);
    }
  }
}

TEST_P(Chat, ends_alone_before_the_other_has_started) {
  for (const auto& words : {GetParam().a, GetParam().b}) {
    PeerProcess by_input = start(words);
    by_input.end_input();
    EXPECT_EQ(by_input.end(), 0) << by_input.complaints();
    for (const int number : {SIGINT, SIGTERM}) {
      PeerProcess by_signal = start(words);
      meeting.wait_for(GetParam().room);
      by_signal.signal(number);
      EXPECT_EQ(by_signal.end(), 0) << by_signal.complaints();
    }
  }
}

// The signal falls anywhere between fork and session: whatever is seen, the ends are good.
TEST_P(Chat, ends_while_connecting) {
  for (int round = 0; round < 12; ++round) {
    PeerProcess a = start_a();
    if (round % 2 == 0) meeting.wait_for(GetParam().room);
    PeerProcess b = start_b();
    PeerProcess& ended = round % 4 < 2 ? a : b;
    PeerProcess& other = round % 4 < 2 ? b : a;
    ended.signal(round % 3 == 0 ? SIGTERM : SIGINT);
    EXPECT_EQ(ended.end(), 0) << ended.complaints();
    other.end_input();
    EXPECT_EQ(other.end(), 0) << other.complaints();
  }
}

TEST_P(Chat, notices_that_the_other_was_killed_and_starts_anew) {
  for (const bool is_a_killed : {true, false}) {
    {
      PeerProcess a = start_a();
      PeerProcess b = start_b();
      greet(a, b);
      PeerProcess& killed = is_a_killed ? a : b;
      PeerProcess& survivor = is_a_killed ? b : a;
      killed.signal(SIGKILL);
      EXPECT_EQ(killed.end(), 128 + SIGKILL);
      EXPECT_EQ(survivor.end(), 1);
      const std::string complaints = survivor.complaints();
      EXPECT_EQ(std::ranges::count(complaints, '\n'), 1) << complaints;
    }
    EXPECT_TRUE(meeting.names().empty()) << "the survivor clears away";
    PeerProcess a = start_a();
    PeerProcess b = start_b();
    greet(a, b);
    a.end_input();
    expect_good_ends(a, b);
  }
}

TEST_P(Chat, recovers_what_two_killed_peers_left) {
  {
    PeerProcess a = start_a();
    PeerProcess b = start_b();
    greet(a, b);
    a.signal(SIGSTOP);  // so that it cannot clear away
    b.signal(SIGKILL);
    a.signal(SIGKILL);
    a.end();
    b.end();
  }
  EXPECT_FALSE(meeting.names().empty());
  PeerProcess b = start_b();
  PeerProcess a = start_a();
  greet(a, b);
  b.signal(SIGTERM);
  expect_good_ends(a, b);
}

// Whatever stands half made there: the next peer clears it away.
TEST_P(Chat, recovers_from_a_peer_killed_at_any_call) {
  constexpr int kMostCalls = 2000;
  Killed killed = Killed::before_call;
  int calls = 0;
  for (; calls < kMostCalls && killed == Killed::before_call; ++calls) {
    killed = kill_before_call(meeting, GetParam().a, calls);
    if (killed == Killed::forbidden) GTEST_SKIP() << "ptrace(2) is forbidden here";
    PeerProcess next = start_a();
    next.end_input();
    ASSERT_EQ(next.end(), 0) << "killed before call " << calls << ": " << next.complaints();
    ASSERT_TRUE(meeting.names().empty()) << "killed before call " << calls;
    ASSERT_EQ(count_sysv_objects(), 0U) << "killed before call " << calls;
  }
  EXPECT_EQ(killed, Killed::at_rest);
  EXPECT_GT(calls, 10);
}

TEST_P(Chat, ends_with_one_line_when_nobody_reads_its_output) {
  PeerProcess a = start_a();
  PeerProcess b = start_b();
  greet(a, b);
  b.close_output();
  a_types(a, "to nobody");
  EXPECT_EQ(b.end(), 1);
  EXPECT_NE(b.complaints().find("EPIPE"), std::string::npos);
  EXPECT_EQ(a.end(), 0) << a.complaints();
}

TEST_P(Chat, refuses_a_part_that_is_taken) {
  if (std::string(GetParam().name) == "queue") GTEST_SKIP() << "any number may have an mtype";
  PeerProcess a = start_a();
  PeerProcess b = start_b();
  greet(a, b);
  PeerProcess second = start_a();
  EXPECT_EQ(second.end(), 1);
  EXPECT_NE(second.complaints().find("another peer has this part"), std::string::npos);
  greet(a, b);
  a.end_input();
  expect_good_ends(a, b);
}

TEST_P(Chat, leaves_a_strangers_file_as_it_is) {
  std::ofstream(meeting / GetParam().room) << "somebody's notes";
  kept = {GetParam().room};
  PeerProcess a = start_a();
  EXPECT_EQ(a.end(), 1);
  EXPECT_NE(a.complaints().find("is no session file"), std::string::npos);
  std::string text;
  std::getline(std::ifstream(meeting / GetParam().room), text);
  EXPECT_EQ(text, "somebody's notes");
}

using Fifo = Fixture;

TEST_F(Fifo, refuses_a_file_under_the_name) {
  std::ofstream(meeting / "fifo1") << "x";
  kept = {"fifo1"};
  PeerProcess a = start({"fifo-chat", "side=a"});
  EXPECT_EQ(a.end(), 1);
  EXPECT_NE(a.complaints().find("is a file"), std::string::npos);
}

using Queue = Fixture;

TEST_F(Queue, refuses_a_strangers_queue_under_its_key) {
  std::ofstream(meeting / "msgfile").flush();
  ::chmod((meeting / "msgfile").c_str(), 0600);
  const int id = ::msgget(::ftok((meeting / "msgfile").c_str(), 'a'), IPC_CREAT | IPC_EXCL | 0600);
  ASSERT_GE(id, 0);
  PeerProcess a = start({"queue-chat", "type=1"});
  EXPECT_EQ(a.end(), 1);
  msqid_ds status{};
  EXPECT_EQ(::msgctl(id, IPC_STAT, &status), 0) << a.complaints();
  ::msgctl(id, IPC_RMID, nullptr);
}

TEST_F(Queue, gives_each_message_to_its_type_among_three) {
  PeerProcess one = start({"queue-chat", "type=1"});
  PeerProcess two = start({"queue-chat", "type=2"});
  PeerProcess three = start({"queue-chat", "type=3"});
  one.type("to three\n3\nto two\n2\n");
  EXPECT_EQ(three.line(), "to three");
  EXPECT_EQ(two.line(), "to two");
  two.type("back\n1\nlast\n3\n");
  EXPECT_EQ(one.line(), "back");
  two.end_input();
  EXPECT_EQ(three.line(), "last");
  for (PeerProcess* peer : {&one, &two, &three}) EXPECT_EQ(peer->end(), 0) << peer->complaints();
}

TEST_F(Queue, refuses_a_bad_mtype_and_goes_on) {
  PeerProcess one = start({"queue-chat", "type=1"});
  one.type("a\n0\nb\n-1\nc\nx\nd\n1\ne\n");
  EXPECT_EQ(one.line(), "d");
  one.end_input();
  EXPECT_EQ(one.end(), 0);
  const std::string complaints = one.complaints();
  EXPECT_EQ(std::ranges::count(complaints, '\n'), 4) << complaints;
}

TEST_F(Queue, tells_of_a_full_queue_and_still_ends) {
  PeerProcess one = start({"queue-chat", "type=1"});
  one.type(std::string(100'000, 'x') + "\n9\n");
  one.signal(SIGTERM);
  EXPECT_EQ(one.end(), 0);
}

struct Pipe : Fixture {
  // The child of a peer that has one.
  static pid_t child_of(const PeerProcess& peer) {
    const std::string pid = std::to_string(peer.pid());
    std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
    pid_t child = 0;
    file >> child;
    return child;
  }
};

TEST_F(Pipe, oneway_sends_its_count_and_ends) {
  PeerProcess peer = start({"pipe-oneway", "count=3", "interval_ms=0"});
  EXPECT_EQ(peer.all_lines(),
            "child received: hello\nchild received: hello\nchild received: hello\n");
  EXPECT_EQ(peer.end(), 0);
}

TEST_F(Pipe, twoway_sends_both_counts_and_ends) {
  PeerProcess peer = start({"pipe-twoway", "count=50", "interval_ms=0"});
  const std::string lines = peer.all_lines();
  std::multiset<std::string> seen;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) seen.insert(line);
  EXPECT_EQ(seen.count("child received: hello"), 50U);
  EXPECT_EQ(seen.count("parent received: world"), 50U);
  EXPECT_EQ(seen.size(), 100U);
  EXPECT_EQ(peer.end(), 0);
}

TEST_F(Pipe, carries_lines_of_input_to_its_end) {
  PeerProcess peer = start({"pipe-oneway", "text=-"});
  peer.type("one\n\n" + std::string(100'000, 'y') + "\nlast");
  EXPECT_EQ(peer.line(), "child received: one");
  EXPECT_EQ(peer.line(), "child received: ");
  EXPECT_EQ(peer.line(), "child received: " + std::string(100'000, 'y'));
  peer.end_input();
  EXPECT_EQ(peer.line(), "child received: last");
  EXPECT_EQ(peer.end(), 0);
}

TEST_F(Pipe, ends_by_a_signal_to_parent_or_child) {
  for (const char* behaviour : {"pipe-oneway", "pipe-twoway"}) {
    for (const int number : {SIGINT, SIGTERM}) {
      for (const bool is_to_child : {false, true}) {
        PeerProcess peer = start({behaviour, "interval_ms=3600000"});
        peer.line();  // both are there, and rest
        ::kill(is_to_child ? child_of(peer) : peer.pid(), number);
        EXPECT_EQ(peer.end(), 0) << behaviour << peer.complaints();
      }
    }
  }
}

TEST_F(Pipe, parent_reports_a_killed_child) {
  for (const char* behaviour : {"pipe-oneway", "pipe-twoway"}) {
    PeerProcess peer = start({behaviour, "interval_ms=3600000"});
    peer.line();
    ::kill(child_of(peer), SIGKILL);
    EXPECT_EQ(peer.end(), 1);
    EXPECT_NE(peer.complaints().find("the child was killed"), std::string::npos);
  }
}

TEST_F(Pipe, child_of_a_killed_parent_ends) {
  for (const char* behaviour : {"pipe-oneway", "pipe-twoway"}) {
    PeerProcess peer = start({behaviour, "interval_ms=3600000"});
    peer.line();
    peer.signal(SIGKILL);
    // Standard error reaches its end when the child has ended too.
    EXPECT_NE(peer.complaints().find("ended without a goodbye"), std::string::npos);
    EXPECT_EQ(peer.end(), 128 + SIGKILL);
  }
}

TEST_F(Pipe, sigpipe_never_kills) {
  PeerProcess peer = start({"pipe-oneway", "interval_ms=0"});
  peer.line();
  peer.close_output();
  EXPECT_EQ(peer.end(), 1);
  EXPECT_NE(peer.complaints().find("EPIPE"), std::string::npos);
}

using Locked = Fixture;

TEST_F(Locked, no_addition_is_lost_or_made_twice) {
  constexpr int kPeers = 3, kCount = 100;
  std::vector<std::unique_ptr<PeerProcess>> all;
  for (int i = 0; i < kPeers; ++i)
    all.push_back(std::make_unique<PeerProcess>(
        meeting, std::vector<std::string>{"shm-locked", "peers=3", "count=100", "interval_ms=0"}));
  std::multiset<int> seen;
  for (const auto& peer : all) {
    std::string line;
    while ((line = peer->line()).starts_with("counter=")) seen.insert(std::stoi(line.substr(8)));
    EXPECT_EQ(line, "total=300");
    EXPECT_EQ(peer->end(), 0) << peer->complaints();
  }
  std::multiset<int> expected;
  for (int i = 1; i <= kPeers * kCount; ++i) expected.insert(i);
  EXPECT_EQ(seen, expected);
}

TEST_F(Locked, one_ends_all_and_a_killed_holder_blocks_nobody) {
  PeerProcess one = start({"shm-locked", "interval_ms=0"});
  PeerProcess two = start({"shm-locked", "interval_ms=0"});
  EXPECT_TRUE(one.line().starts_with("counter="));
  EXPECT_TRUE(two.line().starts_with("counter="));
  one.signal(SIGKILL);
  EXPECT_EQ(one.end(), 128 + SIGKILL);
  PeerProcess three = start({"shm-locked", "interval_ms=0"});
  EXPECT_TRUE(three.line().starts_with("counter="));
  three.signal(SIGINT);
  three.all_lines();
  two.all_lines();
  EXPECT_EQ(three.end(), 0);
  EXPECT_EQ(two.end(), 0);
}

TEST_F(Locked, ends_with_its_input) {
  PeerProcess one = start({"shm-locked"});
  EXPECT_EQ(one.line(), "counter=1");
  one.end_input();
  EXPECT_EQ(one.line(), "total=1");
  EXPECT_EQ(one.end(), 0);
}

TEST(Usage, one_clear_line_and_exit_2) {
  const Meeting nowhere;
  const std::vector<std::vector<std::string>> all = {
      {"nonsense"},
      {"fifo-chat"},
      {"fifo-chat", "side=c"},
      {"fifo-chat", "side=a", "side=a"},
      {"fifo-chat", "side"},
      {"queue-chat", "type=0"},
      {"queue-chat", "type=99999999999999999999"},
      {"pipe-oneway", "count=-1"},
      {"pipe-oneway", "text="},
      {"pipe-oneway", "colour=red"},
      {"pipe-oneway", "count=1x"},
  };
  for (const auto& words : all) {
    PeerProcess peer(nowhere, words);
    EXPECT_EQ(peer.end(), 2) << words.back();
    const std::string complaints = peer.complaints();
    EXPECT_EQ(std::ranges::count(complaints, '\n'), 1) << complaints;
  }
}

TEST(Usage, help_is_printed_for_each_behaviour) {
  const Meeting nowhere;
  for (const char* name : {"pipe-oneway", "pipe-twoway", "fifo-chat", "queue-chat", "shm-writer",
                           "shm-reader", "shm-locked", "socket-chat"}) {
    PeerProcess peer(nowhere, {name, "--help"});
    EXPECT_TRUE(peer.all_lines().starts_with(std::string("usage: peer ") + name));
    EXPECT_EQ(peer.end(), 0);
  }
}

}  // namespace
}  // namespace peers
