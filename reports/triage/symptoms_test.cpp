// SPDX-License-Identifier: MIT
#include "reports/triage/symptoms.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

std::string signature(const std::string& text) {
  return signature_of(
      {.kind = text.substr(0, text.find(':')), .signature = text, .cause = "", .peers = {}});
}

std::string signature_before(const std::string& text) {
  return signature_of(
      {.kind = text.substr(0, text.find(':')), .signature = text, .cause = "", .peers = {}},
      Rule::before);
}

TEST(Symptoms, WhoWaitsAloneIsOneCauseWhateverBecameOfItsPartners) {
  const std::string heart = signature("hang: service/child poll");
  EXPECT_EQ(heart, "waits: service/child poll");
  EXPECT_EQ(signature("leak: orphan service/1 poll"), heart);
  EXPECT_EQ(signature("hang: service.2/child poll"), heart);
  EXPECT_NE(signature("hang: service/child read pipe"), heart);
  EXPECT_NE(signature("hang: client/child poll"), heart);
}

// Three bugs of one call on one queue: two clients that get in each other's way, a client that
// outlives the desk, a desk that outlives its clients.
TEST(Symptoms, ARingOfTheLivingIsNoWaitForTheGone) {
  const std::string ring = signature("deadlock: desk wait | desk/child msgrcv queue");
  const std::string orphan = signature("leak: orphan desk/child msgrcv queue");
  const std::string desk = signature("hang: desk msgrcv queue");
  EXPECT_EQ(ring, "ring: desk msgrcv queue");
  EXPECT_EQ(signature("deadlock: desk/child msgrcv queue | desk/child msgrcv queue"), ring);
  EXPECT_EQ(orphan, "waits: desk/child msgrcv queue");
  EXPECT_EQ(desk, "waits: desk msgrcv queue");
}

TEST(Symptoms, ARingThatNeedsAKillIsSurvivorsWhoWait) {
  const auto with = [](const std::vector<std::string>& plan) {
    return signature_of({.kind = "deadlock",
                         .signature = "deadlock: desk/child msgrcv queue | desk/child msgrcv queue",
                         .cause = "",
                         .peers = {}},
                        plan);
  };
  EXPECT_EQ(with({"desk#4 kill"}), signature("leak: orphan desk/child msgrcv queue"));
  EXPECT_EQ(with({"desk#4 kill after", "before a#1 run b"}), with({"desk#4 kill"}));
  EXPECT_EQ(with({"before desk/1#2 run desk/2"}), "ring: desk msgrcv queue");
}

TEST(Symptoms, WhatWaitsIsFoundAgainByItsFormerName) {
  for (const char* text : {"hang: desk msgrcv queue", "leak: orphan desk/child msgrcv queue",
                           "deadlock: desk wait | desk/child msgrcv queue"})
    EXPECT_EQ(signature_before(text), "waits: desk msgrcv queue") << text;
  EXPECT_EQ(signature_before("leak: queue 0x66 of a"), "leak: queue 0x66 of a");
}

TEST(Symptoms, WhoOpensAFifoMeetsAnother) {
  EXPECT_EQ(signature("hang: left open fifo ./a"), signature("hang: right open fifo ./a"));
  EXPECT_NE(signature("hang: left open fifo ./a"), signature("hang: left open fifo ./b"));
}

TEST(Symptoms, ARingStaysARing) {
  EXPECT_EQ(signature("deadlock: a semop semaphore 0x1 | b semop semaphore 0x2"),
            "ring: a semop semaphore 0x1 | b semop semaphore 0x2");
  EXPECT_EQ(signature("deadlock: a wait"), "ring: a wait");
}

TEST(Symptoms, WhoWaitsForASignalWaitsForNoneOfTheOthers) {
  const std::string early = signature("lost_signal: a pause SIGUSR1");
  EXPECT_EQ(early, "waits: a pause");
  EXPECT_EQ(signature("deadlock: a pause | a/child read pipe"), early);
  EXPECT_EQ(signature("hang: a pause"), early);
  EXPECT_EQ(signature("leak: orphan a/child pause"), early);
  EXPECT_EQ(signature("lost_signal: a merged SIGUSR1"), "lost_signal: a merged SIGUSR1");
}

TEST(Symptoms, AnEndIsOtherwiseOrNot) {
  EXPECT_EQ(signature("output: a/child"), signature("exit_status: a exits with 1"));
  EXPECT_NE(signature("output: a"), signature("output: b"));
  EXPECT_EQ(signature("exit_status: restarted a mkfifo fifo ./x EEXIST"),
            "exit_status: restarted a mkfifo fifo ./x EEXIST");
}

TEST(Symptoms, OthersAreWhatTheirOraclesSay) {
  for (const char* text : {"hang: a goes on for ever", "leak: queue 0x66 of a", "torn_data: a read",
                           "hang: ", "deadlock:", ""})
    EXPECT_FALSE(signature(text).starts_with("waits: a goes")) << text;
  EXPECT_EQ(signature("leak: queue 0x66 of a"), "leak: queue 0x66 of a");
}

TEST(Symptoms, AFaultIsTheCauseOfWhateverComesOfIt) {
  const auto with = [](const char* text, const std::vector<std::string>& plan) {
    return signature_of({.kind = "", .signature = text, .cause = "", .peers = {}}, plan);
  };
  const std::string eintr = with("output: a", {"b/1#4 read fail EINTR"});
  EXPECT_EQ(eintr, "not handled: b read EINTR");
  EXPECT_EQ(with("torn_data: a read pipe", {"b.2#7 read fail EINTR"}), eintr);
  EXPECT_EQ(with("exit_status: b exits with 1", {"before a#1 run b", "b#9 read fail EINTR"}),
            eintr);
  EXPECT_NE(with("output: a", {"b#4 read short 1"}), eintr);
  EXPECT_EQ(with("wild_kill: a SIGHUP to b", {"b#1 read fail EINTR"}), "wild_kill: a SIGHUP to b");
  EXPECT_EQ(with("leak: a", {"b#4 kill", "before a#1 run b"}), "leak: a");
  EXPECT_EQ(with("leak: a", {"", "x", "a b c d"}), "leak: a");
}

TEST(Symptoms, TheSentenceSaysWhatItComesOf) {
  const auto sentence = [](const char* signature, const std::vector<std::string>& plan) {
    return sentence_of({.kind = "", .signature = signature, .cause = "it shows.", .peers = {}},
                       plan);
  };
  EXPECT_EQ(sentence("exit_status: a exits with 1", {"b/1#4 msgrcv fail EINTR"}),
            "b does not handle EINTR of msgrcv: it shows.");
  EXPECT_EQ(sentence("torn_data: a read pipe", {"b#4 write short 1"}),
            "b does not handle a short write: it shows.");
  EXPECT_EQ(sentence("output: a", {"before a#2 run b"}), "When b runs before a#2: it shows.");
  EXPECT_EQ(sentence("leak: queue of a", {"b#2 kill after"}),
            "When b is killed after its call 2: it shows.");
  EXPECT_EQ(sentence("leak: queue of a", {"b#2 kill"}),
            "When b is killed at its call 2: it shows.");
  EXPECT_EQ(sentence("leak: queue of a", {"b#2 signal SIGTERM"}),
            "When SIGTERM comes before b#2: it shows.");
  EXPECT_EQ(sentence("output: a", {"b#2 timeout first"}),
            "When the time-out of b#2 is first: it shows.");
  EXPECT_EQ(sentence("deadlock: b/child read pipe | b/child read pipe", {"b#2 kill"}),
            "When b is killed at its call 2: it shows.");
  EXPECT_EQ(sentence("deadlock: a read pipe | b read pipe", {"before a#2 run b"}), "it shows.");
  // A wait, a crash and a spin name the place themselves; of several deviations the plan tells.
  EXPECT_EQ(sentence("hang: a read pipe", {"b#4 read fail EINTR"}), "it shows.");
  EXPECT_EQ(sentence("output: a", {"before a#2 run b", "b#2 kill"}), "it shows.");
  for (const char* odd : {"", "x", "before a", "a#1 kill not now", "a#1 signal"})
    EXPECT_NE(sentence("output: a", {odd}), "") << odd;
}

TEST(Symptoms, OfWhatIsGoneTheNameIsToo) {
  EXPECT_EQ(signature("spin: a msgsnd queue EINVAL"), signature("spin: a msgsnd EINVAL"));
  EXPECT_EQ(signature("spin: a plain calls"), "spin: a plain calls");
}

TEST(Symptoms, TheCauseIsFirst) {
  std::vector<Symptom> all = {{.kind = "output", .signature = "output: a"},
                              {.kind = "hang", .signature = "hang: b read pipe"},
                              {.kind = "crash", .signature = "crash: a"},
                              {.kind = "hang", .signature = "hang: a read pipe"}};
  sort_by_cause(all);
  EXPECT_EQ(all[0].kind, "crash");
  EXPECT_EQ(all[1].signature, "hang: a read pipe");
  EXPECT_EQ(all[3].kind, "output");
}

}  // namespace
}  // namespace pipewrench
