// SPDX-License-Identifier: MIT
#include "reports/triage/causes.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

TEST(Causes, NothingHidesBehindWhatIsMilder) {
  const auto symptom = [](const char* kind, const char* peer = "a") {
    return Symptom{.kind = kind, .signature = kind, .cause = "", .peers = {peer}};
  };
  EXPECT_FALSE(may_be_cause(symptom("output"), symptom("lost_data", "b")));
  EXPECT_TRUE(may_be_cause(symptom("output"), symptom("lost_data")));
  EXPECT_TRUE(may_be_cause(symptom("hang"), symptom("output")));
  EXPECT_FALSE(may_be_cause(symptom("leak"), symptom("output")));
  EXPECT_FALSE(may_be_cause(symptom("hang"), symptom("crash")));
}

TEST(Causes, OfACrashTheStackSaysWhereItComesFrom) {
  const Crash crash{.tool = "asan", .kind = "heap-buffer-overflow"};
  const Crash differs{.tool = "target", .kind = "model-mismatch", .detail = "send: size: real 1"};
  const Crash leak{.tool = "guard", .kind = "leak"};
  EXPECT_TRUE(may_be_cause(crash, differs));
  EXPECT_FALSE(may_be_cause(differs, leak));
  EXPECT_FALSE(may_be_cause(differs, crash));
  EXPECT_FALSE(may_be_cause(leak, differs));
  EXPECT_FALSE(may_be_cause({}, differs));
  const Crash later{.tool = "target", .kind = "model-mismatch", .detail = "send: errno: real 2"};
  const Crash end{.tool = "target", .kind = "model-mismatch", .detail = "end: errno: real 2"};
  EXPECT_TRUE(may_be_cause(later, differs));
  EXPECT_FALSE(may_be_cause(end, differs));
  EXPECT_TRUE(may_be_cause(end, leak));
  const Crash exception{.tool = "check", .kind = "uncaught-exception"};
  EXPECT_TRUE(may_be_cause(crash, exception));
  EXPECT_FALSE(may_be_cause(exception, crash));
  EXPECT_FALSE(may_be_cause(differs, exception));
}

TEST(Causes, WhoOnlyNoticedMayBeAnother) {
  const auto differs = [](const char* detail) {
    return Crash{.tool = "target", .kind = "model-mismatch", .detail = detail};
  };
  const Crash status = differs("status: messages: real 1, model 0");
  const Crash send = differs("send: errno: real 2, model 0"), end = differs("end: errno: real 2");
  EXPECT_TRUE(is_noticed_by_last(status));
  EXPECT_FALSE(is_noticed_by_last(end));
  EXPECT_FALSE(is_noticed_by_last({.tool = "asan", .kind = "heap-buffer-overflow"}));
  // Without the operation that noticed, what the others left is seen by whoever looks.
  EXPECT_TRUE(may_be_cause(end, status, Left::who_noticed));
  EXPECT_TRUE(may_be_cause(send, status, Left::who_noticed));
  EXPECT_FALSE(may_be_cause(send, status, Left::some_of_it));
  EXPECT_FALSE(may_be_cause(end, status, Left::some_of_it));
  EXPECT_FALSE(may_be_cause({.tool = "guard", .kind = "leak"}, status, Left::who_noticed));
  // The end compares everything: who fails earlier in a part says more.
  EXPECT_TRUE(may_be_cause(send, end));
}

TEST(Causes, ALengthThatIsWrongIsOneCauseWhateverTheCopyIsCalled) {
  EXPECT_EQ(cause_of_kind("memcpy-param-overlap"), cause_of_kind("heap-buffer-overflow"));
  EXPECT_EQ(cause_of_kind("negative-size-param"), cause_of_kind("SEGV"));
  EXPECT_EQ(cause_of_kind("heap-use-after-free"), "heap-use-after-free");
}

}  // namespace
}  // namespace pipewrench
