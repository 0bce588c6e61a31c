// SPDX-License-Identifier: MIT
#include <csignal>

#include "harness/oracle/judged.h"
#include "harness/oracle/report.h"

namespace pipewrench::test {
namespace {

constexpr const char* kAsan =
    "=================================================================\n"
    "==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x5020000 at pc 0x5 bp 0x7\n"
    "WRITE of size 4 at 0x5020000 thread T0\n"
    "    #0 0x4e in __asan_memcpy (/tmp/reader+0x4e)\n"
    "    #1 0x51 in take /src/reader.c:12:3\n"
    "    #2 0x53 in Loop::run(int, char) /src/reader.cc:40:9\n"
    "    #3 0x55 in main /src/reader.c:70\n"
    "\n"
    "0x5020000 is located 0 bytes after 30-byte region\n"
    "    #0 0x4f in malloc (/tmp/reader+0x4f)\n"
    "SUMMARY: AddressSanitizer: heap-buffer-overflow /src/reader.c:12:3 in take\n";

TraceBuilder calm() {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").reads("reader", "pipe#1", "one");
  t.exits("writer").exits("reader");
  return t;
}

TEST(crash, sanitizer_report) {
  TraceBuilder t = calm();
  t.task("reader").status = 1 << 8;
  t.trace.outputs[1].err = kAsan;
  expect_one(judged(calm(), t), "crash: reader heap-buffer-overflow in take < Loop::run < main",
             "reader after reader#1 read(pipe#1): AddressSanitizer reports heap-buffer-overflow");
}
TEST(crash, signal) {
  TraceBuilder t{"writer", "reader"};
  t.writes("writer", "pipe#1", "one").exits("writer").reads("reader", "pipe#1", "one");
  t.dies("reader", SIGSEGV);
  expect_one(judged(calm(), t), "crash: reader SIGSEGV after read pipe",
             "reader crashes (SIGSEGV) after reader#1 read(pipe#1)");
  expect_one(judged(t), "crash: reader SIGSEGV after read pipe", "crashes");
  expect_silent(judged(calm(), calm()));
}
TEST(crash, assertion_after_an_injected_failure_is_a_note) {
  TraceBuilder t = calm();
  t.task("reader").status = SIGABRT;
  t.trace.outputs[1].err = "reader: r.c:3: take: Assertion `n > 0' failed.\n";
  t.plan("before reader#1 run writer");
  expect_one(judged(calm(), t), "crash: reader n > N", "assert reports n > N");
  t.plan("reader#1 read fail EIO");
  expect_one(judged(calm(), t), "(note) crash: reader n > N", "assert reports n > N");
}
TEST(crash, what_a_watchdog_or_the_plan_sends_is_none) {
  TraceBuilder quiet{"watchdog", "worker"};
  quiet.kills("watchdog", "worker", SIGABRT).dies("worker", SIGABRT).exits("watchdog");
  expect_silent(judged(quiet));
  TraceBuilder planned{"watchdog", "worker"};
  planned.dies("worker", SIGABRT).exits("watchdog").plan("worker#1 signal SIGABRT");
  expect_silent(judged(quiet, planned));
}

struct Example {
  const char* text;
  const char* tool;
  const char* summary;
};
TEST(report, every_tool) {
  const Example examples[] = {
      {"==9==ERROR: AddressSanitizer: SEGV on unknown address 0x00 (pc 0x4)\n    #0 0x4 in f "
       "a.c:1\n",
       "AddressSanitizer", "SEGV on unknown address in f"},
      {"==9==ERROR: AddressSanitizer: attempting double-free on 0x50 in thread T0:\n"
       "    #0 0x4 in free (a+0x1)\n    #1 0x5 (/opt/bin/a+0x12)\n",
       "AddressSanitizer", "attempting double-free in a+0x12"},
      {"==9==ERROR: LeakSanitizer: detected memory leaks\n\nDirect leak of 5 byte(s)\n"
       "    #0 0x4 in malloc (a+0x1)\n    #1 0x5 in open_log a.c:2\n",
       "LeakSanitizer", "detected memory leaks in open_log"},
      {"WARNING: ThreadSanitizer: data race (pid=12)\n  Write of size 4\n    #0 count a.c:4 "
       "(a+0x1)\n",
       "ThreadSanitizer", "data race in count"},
      {"==3==WARNING: MemorySanitizer: use-of-uninitialized-value\n    #0 0x3 in send_it a.c:9\n",
       "MemorySanitizer", "use-of-uninitialized-value in send_it"},
      {"a.c:7:3: runtime error: index 12 out of bounds for type 'int[8]'\n    #0 0x4 in at a.c:7\n",
       "UndefinedBehaviorSanitizer", "index N out of bounds for type 'int[N]' in at"},
      {"*** stack smashing detected ***: terminated\n", "libc", "*** stack smashing detected ***"},
      {"free(): double free detected in tcache 2\n", "libc",
       "free(): double free detected in tcache N"},
      {"terminate called after throwing an instance of 'std::bad_alloc'\n  what():  x\n", "C++",
       "after throwing an instance of 'std::bad_alloc'"},
      {"panic: send on closed channel\n\ngoroutine 1 [running]:\nmain.main()\n", "Go",
       "send on closed channel"},
      {"thread 'main' panicked at src/main.rs:3:5:\nindex out of bounds\n", "Rust",
       "src/main.rs:N:N"},
  };
  for (const Example& example : examples) {
    const auto report = report_in(std::string("before\n") + example.text);
    ASSERT_TRUE(report) << example.text;
    EXPECT_EQ(report->tool, example.tool);
    EXPECT_EQ(summary(*report), example.summary);
  }
}
TEST(report, silent_on_what_programs_say) {
  for (const char* text :
       {"", "panic: no more coffee\n", "cat: write error: Broken pipe\n", "don't panic\n",
        "the call free(): is documented in malloc(3)\n", "thread pool panicked, goroutine\n",
        "thread 'main' panicked at lib/io.rs:1:9:\nfailed printing to stdout: Broken pipe\n"})
    EXPECT_FALSE(report_in(text)) << text;
}

}  // namespace
}  // namespace pipewrench::test
