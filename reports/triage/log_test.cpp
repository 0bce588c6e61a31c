// SPDX-License-Identifier: MIT
#include "reports/triage/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "reports/triage/frames.h"
#include "reports/triage/signature.h"

namespace pipewrench {
namespace {

std::string log_named(const std::string& name) {
  std::ifstream file(std::string(TEST_LOGS) + "/" + name + ".log", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Real {
  const char *log, *tool, *kind, *signature;
};
void PrintTo(const Real& real, std::ostream* out) { *out << real.log; }

class RealLog : public ::testing::TestWithParam<Real> {};

// Each was printed by a run of the tool.
TEST_P(RealLog, IsUnderstood) {
  const Crash crash = crash_of(log_named(GetParam().log));
  EXPECT_EQ(crash.tool, GetParam().tool);
  EXPECT_EQ(crash.kind, GetParam().kind);
  EXPECT_EQ(signature_of(crash), GetParam().signature);
  EXPECT_FALSE(crash.stacks.empty());
  EXPECT_FALSE(sentence_of(crash).empty());
}

constexpr Real kReal[] = {
    {"overflow", "ubsan", "object-size", "bad-access in load<...>"},
    {"freed", "asan", "heap-use-after-free", "heap-use-after-free in load<...>"},
    {"double", "asan", "double-free", "double-free in main"},
    {"null", "ubsan", "null", "null in load<...>"},
    {"signed", "ubsan", "signed-integer-overflow", "signed-integer-overflow in main"},
    {"leak", "lsan", "memory-leak", "memory-leak in leaky"},
    {"data_race", "tsan", "data-race", "data-race in touch"},
    {"uninitialised", "msan", "use-of-uninitialized-value", "use-of-uninitialized-value in main"},
    {"timeout", "libfuzzer", "timeout", "timeout in spins"},
    {"out_of_memory", "libfuzzer", "out-of-memory", "out-of-memory in LLVMFuzzerTestOneInput"},
    {"deadly_signal", "libfuzzer", "abort", "abort in LLVMFuzzerTestOneInput"},
    {"core", "core", "SEGV", "bad-access in load<...>"},
    {"model_mismatch", "target", "model-mismatch", "text: fewer: its begin"},
    {"left_behind", "guard", "leak", "leak # shared memory segment(s)"},
    {"buffer", "ubsan", "nonnull-argument", "bad-access in ipc::MessageQueue::send"},
};
INSTANTIATE_TEST_SUITE_P(, RealLog, ::testing::ValuesIn(kReal),
                         [](const auto& test) { return std::string(test.param.log); });

TEST(Log, OfASuccessHasNoKind) {
  EXPECT_EQ(crash_of("").kind, "");
  EXPECT_EQ(crash_of("INFO: Seed: 5\nDone 1000 runs in 1 second(s)\n").kind, "");
}

TEST(Log, HostileTextIsBounded) {
  std::string log = "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n";
  for (int stack = 0; stack < 40; ++stack)
    for (int i = 0; i < 100; ++i)
      log += "    #" + std::to_string(i) + " 0x1 in " + std::string(300, '<') + " /a:9:\xff\n";
  const Crash crash = crash_of(log);
  ASSERT_EQ(crash.stacks.size(), kMostStacks);
  EXPECT_EQ(crash.stacks[0].frames.size(), kMostFrames);
  for (std::size_t cut = 0; cut < 400; ++cut) crash_of(std::string_view(log).substr(0, cut));
  EXPECT_EQ(crash_of("DIFFERENT: ").kind, "model-mismatch");
  EXPECT_FALSE(signature_of(crash_of("DIFFERENT: step 1: a: real , model ")).empty());
}

TEST(Log, AddressesAreLeftOut) {
  EXPECT_EQ(crash_of("a.c:1:2: runtime error: load of misaligned address 0x7f00aa for type").detail,
            "load of misaligned address 0x? for type");
}

TEST(Frame, OfEachTool) {
  const auto asan =
      frame_of("    #3 0x55 in (anonymous namespace)::f(int, A<B>) const /a b/c.cpp:7:9");
  ASSERT_TRUE(asan);
  EXPECT_EQ(asan->file, "/a b/c.cpp");
  EXPECT_EQ(asan->line, 7U);
  EXPECT_EQ(asan->column, 9U);
  EXPECT_TRUE(asan->ours);
  const auto raw = frame_of("#0 0x7f12 (/lib/libc.so.6+0x10ff) (BuildId: aa)");
  ASSERT_TRUE(raw);
  EXPECT_EQ(raw->module, "/lib/libc.so.6");
  EXPECT_EQ(raw->offset, 0x10ffU);
  EXPECT_FALSE(raw->ours);
  const auto gdb = frame_of("#1  0x0000 in main (argc=1, argv=0x7ff) at use.c:12");
  ASSERT_TRUE(gdb);
  EXPECT_EQ(gdb->function, "main");
  EXPECT_EQ(gdb->line, 12U);
  EXPECT_FALSE(frame_of("no frame"));
  EXPECT_FALSE(frame_of("#x 0x1 in f"));
}

TEST(Frame, FunctionsArePlain) {
  EXPECT_EQ(plain_function("void fuzz::same<long>(fuzz::Step const&, long)"), "fuzz::same<...>");
  EXPECT_EQ(plain_function("(anonymous namespace)::Input::send(int) const"), "Input::send");
  EXPECT_EQ(plain_function("work.isra.0"), "work");
  EXPECT_EQ(plain_function("work(int) [clone .part.1]"), "work");
  EXPECT_EQ(plain_function("f(int)::'lambda'(char)#1::operator()(char) const"),
            "f::lambda::operator()");
  EXPECT_EQ(plain_function("f(int)::$_0::operator()(char) const"), "f::lambda::operator()");
  EXPECT_EQ(plain_function("std::ostream& a::operator<< <int>(std::ostream&)"),
            "a::operator<<<...>");
  EXPECT_EQ(plain_function("operator_precedence(int)"), "operator_precedence");
  EXPECT_EQ(plain_function("std::__1::vector<int>::push_back(int)"), "std::vector<...>::push_back");
}

TEST(Signature, IsTheSameForOtherValues) {
  const auto signature = [](const char* text) {
    return signature_of(crash_of(std::string("DIFFERENT: step 3: ") + text));
  };
  EXPECT_EQ(signature("receive: text: real \"a\" (1 bytes), model \"aa\" (2 bytes)"),
            signature("receive: text: real \"bb\" (2 bytes), model \"bbbbb\" (5 bytes)"));
  EXPECT_NE(signature("receive: text: real \"a\" (1 bytes), model \"aa\" (2 bytes)"),
            signature("receive: text: real \"a\" (1 bytes), model \"b\" (1 bytes)"));
  EXPECT_EQ(
      signature(
          "send: failure: real msgsnd(msqid=1): EINTR: Interrupted [interrupted], model system"),
      signature(
          "send: failure: real msgsnd(msqid=7): EINTR: Interrupted [interrupted], model system"));
}

TEST(Signature, OperationsHelpWhereAValueSaysLittle) {
  const Crash number = crash_of("DIFFERENT: step 3: open: creator: real 1, model 0");
  const Crash text =
      crash_of("DIFFERENT: step 3: a: text: real \"a\" (1 bytes), model \"b\" (1 bytes)");
  const std::vector<Operation> few = {{.name = "open"}}, more = {{.name = "open"}, {.name = "put"}};
  EXPECT_NE(signature_of(number, few), signature_of(number, more));
  EXPECT_EQ(signature_of(text, few), signature_of(text, more));
  EXPECT_EQ(signature_of(number, more), signature_of(number, {{.name = "put"}, {.name = "open"}}));
}

TEST(Signature, TheStateOfAThingIsEnoughTheOutcomeOfACallIsNot) {
  const auto after = [](const char* text, const std::vector<Operation>& operations) {
    return signature_of(crash_of(std::string("DIFFERENT: step 3: ") + text), operations);
  };
  const std::vector<Operation> opened = {{.name = "write"}, {.name = "open"}};
  const std::vector<Operation> removed = {{.name = "remove"}, {.name = "write"}};
  EXPECT_EQ(after("open: segment: real there, model removed", opened),
            after("write: segment: real there, model removed", removed));
  for (const char* text :
       {"write: result: real success, model stale", "open: creator: real 1, model 0",
        "write: write: real written, model full"})
    EXPECT_NE(after(text, opened), after(text, removed)) << text;
}

TEST(Signature, ANumberThatIsANameIsNotTooGreat) {
  const auto signature = [](const char* text, Rule rule) {
    return signature_of(crash_of(std::string("DIFFERENT: step 3: ") + text), {}, rule);
  };
  for (const auto& [one, other] :
       {std::pair{"decode: type: real 0, model -9", "decode: type: real -1, model 9"},
        std::pair{"receive: errno: real 0, model 7", "receive: errno: real 7, model 0"}}) {
    EXPECT_EQ(signature(one, Rule::now), signature(other, Rule::now));
    EXPECT_NE(signature(one, Rule::before), signature(other, Rule::before));
  }
  EXPECT_NE(signature("receive: errno: real 0, model 7", Rule::now),
            signature("receive: errno: real 0, model 42", Rule::now));
  EXPECT_NE(signature("receive: descriptors: real 0, model 1", Rule::now),
            signature("receive: descriptors: real 1, model 0", Rule::now));
}

TEST(Signature, ExecutablesOfATargetAreOne) {
  EXPECT_EQ(target_of("build/fuzz/fuzz_msgq"), "msgq");
  EXPECT_EQ(target_of("replay_msgq"), "msgq");
  EXPECT_EQ(target_of("fuzz_msgq_planted_eintr_is_error"), "msgq");
}

TEST(Signature, OperationsOfAReplay) {
  const auto operations = operations_in(
      "in (24 bytes)\n"
      "   0  client 0  send         mtype=1 size=8\n"
      "   1  client 1  raw receive  mtype=2 size=31 flags=0x1 fault=3 of wrapped call 2\n"
      "      fault: msgrcv: EINTR: blocked, and any handler runs: never restarted\n"
      "   2  client 1  close writer what\n"
      "replayed 1 inputs\n");
  ASSERT_EQ(operations.size(), 3U);
  EXPECT_EQ(operations[0], (Operation{.name = "send"}));
  EXPECT_EQ(operations[1], (Operation{.name = "raw receive", .fault = "msgrcv: EINTR"}));
}

}  // namespace
}  // namespace pipewrench
