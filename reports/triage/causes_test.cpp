// SPDX-License-Identifier: MIT
#include "reports/triage/causes.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

TEST(Causes, NothingHidesBehindWhatIsMilder) {
  const auto symptom = [](const char* kind) { return Symptom{.kind = kind, .signature = kind}; };
  EXPECT_TRUE(may_be_cause(symptom("output"), symptom("lost_data")));
  EXPECT_TRUE(may_be_cause(symptom("hang"), symptom("output")));
  EXPECT_FALSE(may_be_cause(symptom("leak"), symptom("output")));
  EXPECT_FALSE(may_be_cause(symptom("hang"), symptom("crash")));
}

TEST(Causes, OfACrashTheStackSaysWhereItComesFrom) {
  const Crash crash{.tool = "asan", .kind = "heap-buffer-overflow"};
  const Crash differs{.tool = "target", .kind = "model-mismatch"};
  const Crash leak{.tool = "guard", .kind = "leak"};
  EXPECT_TRUE(may_be_cause(crash, differs));
  EXPECT_TRUE(may_be_cause(differs, leak));
  EXPECT_FALSE(may_be_cause(differs, crash));
  EXPECT_FALSE(may_be_cause(leak, differs));
  EXPECT_FALSE(may_be_cause({}, differs));
  const Crash exception{.tool = "check", .kind = "uncaught-exception"};
  EXPECT_TRUE(may_be_cause(crash, exception));
  EXPECT_FALSE(may_be_cause(exception, crash));
}

TEST(Causes, ALengthThatIsWrongIsOneCauseWhateverTheCopyIsCalled) {
  EXPECT_EQ(cause_of_kind("memcpy-param-overlap"), cause_of_kind("heap-buffer-overflow"));
  EXPECT_EQ(cause_of_kind("negative-size-param"), cause_of_kind("SEGV"));
  EXPECT_EQ(cause_of_kind("heap-use-after-free"), "heap-use-after-free");
}

}  // namespace
}  // namespace pipewrench
