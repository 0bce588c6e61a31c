// SPDX-License-Identifier: MIT
#include "harness/scenario/plan.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>
#include <csignal>

#include "harness/scenario/test_values.h"

namespace pipewrench {
namespace {

std::string problem(std::string_view text) {
  const auto plan = parse_plan(text, "my.plan");
  return plan ? "" : plan.error().text();
}

TEST(plan, reads_like_a_story) {
  const std::string text =
      "before writer#12 run reader\n"
      "writer#14 write short 3\n"
      "reader#9 msgrcv fail EIDRM\n"
      "writer#20 kill\n"
      "writer#20 kill after\n"
      "writer restart\n"
      "demo1/1#5 signal SIGTERM\n"
      "reader#9 remove\n"
      "writer#9 fill\n"
      "waker#7 wake reader:2\n"
      "reader#4 timeout first\n";
  const auto plan = parse_plan(text, "p");
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(print(*plan), text);
  EXPECT_EQ((*plan)[0], (Deviation{.task = "writer", .n = 12, .other = "reader"}));
  EXPECT_EQ(
      (*plan)[2],
      (Deviation{
          .kind = Deviate::fail, .task = "reader", .n = 9, .call = "msgrcv", .number = EIDRM}));
}

TEST(plan, blanks_and_comments_are_left_out) {
  const auto plan = parse_plan("\n# why\n  a#1  kill\t# here\r\n\r\na#2 kill", "p");
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(print(*plan), "a#1 kill\na#2 kill\n");
  EXPECT_EQ(parse_plan("", "p"), Plan{});
}

TEST(plan, words_of_the_form_may_name_tasks_and_calls) {
  for (const char* line :
       {"before restart\n", "before before#1 run run\n", "kill#1 kill after\n"}) {
    const auto plan = parse_plan(line, "p");
    ASSERT_TRUE(plan) << plan.error().text();
    EXPECT_EQ(print(*plan), line);
  }
}

RC_GTEST_PROP(plan, parse_of_print_is_the_plan, ()) {
  const Plan plan = test::any_plan();
  const auto again = parse_plan(print(plan), "p");
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == plan);
}

TEST(plan, each_wrong_line_is_named_with_its_cause) {
  EXPECT_EQ(problem("a#1 kill\nwriter kill\n"),
            "my.plan:2: place \"writer\": it looks like writer#12");
  EXPECT_EQ(problem("a#0 kill"),
            "my.plan:1: place \"a#0\": behind # comes the number of a call, from 1");
  EXPECT_EQ(problem("a#1x kill"),
            "my.plan:1: place \"a#1x\": behind # comes the number of a call, from 1");
  EXPECT_EQ(problem("a#4294967296 kill"),
            "my.plan:1: place \"a#4294967296\": behind # comes the number of a call, from 1");
  EXPECT_EQ(problem("#\n\x1b[2J#1 kill"),
            "my.plan:2: task \"\\x1b[2J\": a name has letters, digits and _.+-/: only");
  EXPECT_EQ(problem("a#1 write short 0"),
            "my.plan:1: short \"0\": it is a number of bytes, from 1");
  EXPECT_EQ(problem("a#1 write short -1"),
            "my.plan:1: short \"-1\": it is a number of bytes, from 1");
  EXPECT_EQ(problem("a#1 write fail EIDR"),
            "my.plan:1: errno \"EIDR\": not known; it looks like EIDRM");
  EXPECT_EQ(problem("a#1 scribble fail EPIPE"),
            "my.plan:1: call \"scribble\": not in the table of calls");
  EXPECT_EQ(problem("a#1 signal SIGTREM"),
            "my.plan:1: signal \"SIGTREM\": not known; it looks like SIGTERM");
  for (const char* line :
       {"a#1", "a#1 kill before", "a#1 kill after all", "before a#1 run", "a#1 jump"})
    EXPECT_TRUE(problem(line).starts_with("my.plan:1: deviation") ||
                problem(line).starts_with("my.plan:1: place"))
        << problem(line);
}

TEST(plan, lines_and_their_lengths_are_limited) {
  EXPECT_EQ(problem(std::string(kMaxPlanLine + 1, ' ')), "my.plan:1: longer than 4000 bytes");
  EXPECT_EQ(problem(std::string(kMaxPlanLines + 1, '\n')), "my.plan:10001: more than 10000 lines");
  EXPECT_EQ(problem(std::string(kMaxPlanLines, '\n')), "");
}

TEST(plan, names_of_errors_and_signals) {
  EXPECT_EQ(errno_name(EIDRM), "EIDRM");
  EXPECT_EQ(errno_of("EIDRM"), EIDRM);
  EXPECT_EQ(errno_of("EWOULDBLOCK"), EAGAIN);
  EXPECT_EQ(errno_name(4000), "4000");
  EXPECT_EQ(errno_of("4000"), 4000);
  EXPECT_EQ(signal_name(SIGUSR1), "SIGUSR1");
  EXPECT_EQ(signal_of("SIGIO"), SIGIO);
  EXPECT_EQ(signal_of(signal_name(SIGRTMIN)), SIGRTMIN);
  for (const char* unknown : {"", "0", "-1", "4096", "EFOO", "SIGFOO", "TERM"}) {
    EXPECT_EQ(errno_of(unknown), 0) << unknown;
    EXPECT_EQ(signal_of(unknown), 0) << unknown;
  }
}

TEST(plan, a_file_name_of_control_bytes_is_escaped) {
  EXPECT_EQ((BadInput{"a\nb", 0, "cause"}.text()), "a\\nb: cause");
}

}  // namespace
}  // namespace pipewrench
