// The house rules, checked over the project's own files; each is first shown what it must flag and
// what it must let pass.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "harness/tidy/rules.h"

namespace tidy {
namespace {

using Rule = Problems (*)(const Tree&);

const Tree& project() {
  static const Tree tree = read_tree(TIDY_ROOT);
  return tree;
}

void expect_project_keeps(Rule rule) {
  ASSERT_GT(project().size(), 20u) << "no files found below " << TIDY_ROOT;
  for (const Problem& problem : rule(project()))
    ADD_FAILURE_AT(problem.path.c_str(), static_cast<int>(problem.line)) << problem.remedy;
}

Problems of(Rule rule, std::string path, std::string_view text) {
  return rule({make_file(std::move(path), text)});
}

// The rule flags this line of the example, and nothing else in it.
void expect_flagged(Rule rule, const std::string& path, std::string_view text, std::size_t line) {
  const Problems problems = of(rule, path, text);
  ASSERT_EQ(problems.size(), 1u) << path << ":\n" << text;
  EXPECT_EQ(problems[0].line, line) << problems[0].remedy;
  EXPECT_NE(problems[0].remedy, "");
}

void expect_silent(Rule rule, const std::string& path, std::string_view text) {
  for (const Problem& problem : of(rule, path, text))
    ADD_FAILURE() << path << ':' << problem.line << ": " << problem.remedy << " in:\n" << text;
}

std::string lines(std::size_t count, const std::string& line = "int x;\n") {
  std::string text;
  for (; count > 0; --count) text += line;
  return text;
}

TEST(tidy, layers) {
  const Rule rule = check_layers;
  expect_flagged(rule, "harness/core/a.h", "\n#include \"harness/syscalls/table.h\"\n", 2);
  expect_flagged(rule, "harness/syscalls/a.cpp", "#include \"targets/ipc/fd.h\"\n", 1);
  expect_flagged(rule, "harness/inproc/a_test.cpp", "#include \"targets/ipc/fd.h\"\n", 1);
  expect_flagged(rule, "harness/oracle/a.cpp", "#include \"harness/conduct/stage.h\"\n", 1);
  expect_flagged(rule, "reports/render/a.cpp", "#include \"targets/ipc/fd.h\"\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "#include \"harness/inproc/faults.h\"\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "#include \"targets/model/queue.h\"\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "#include <fmt/format.h>\n", 1);
  expect_flagged(rule, "targets/peers/a.cpp", "#include \"harness/inproc/faults.h\"\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "#include \"fd.h\"\n", 1);
  expect_flagged(rule, "harness/other/a.cpp", "int x;\n", 0);
  expect_silent(rule, "targets/ipc/a_test.cpp",
                "#include <gtest/gtest.h>\n#include \"harness/inproc/faults.h\"\n");
  expect_silent(rule, "targets/fuzz/a.cpp",
                "#include <sys/msg.h>\n#include \"harness/inproc/guard.h\"\n"
                "#include \"targets/model/queue.h\"\n");
  expect_project_keeps(rule);
}

TEST(tidy, top_level) {
  const Rule rule = check_top_level;
  expect_flagged(rule, "util/a.h", "", 0);
  expect_flagged(rule, "STATUS.md", "", 0);
  expect_silent(rule, ".github/workflows/push.yml", "");
  expect_silent(rule, "harness/start", "");
  expect_project_keeps(rule);
}

TEST(tidy, words) {
  const Rule rule = check_words;
  expect_flagged(rule, "targets/ipc/a_test.cpp", "int f() {\n  ::usleep(10);\n}\n", 2);
  expect_flagged(rule, "targets/peers/a.cpp", "std::this_thread::sleep_for(kSecond);\n", 1);
  expect_flagged(rule, "harness/start", "#!/bin/sh\nwhile true; do sleep 1; done\n", 2);
  expect_flagged(rule, "harness/start", "#!/bin/sh\n  sleep 1\n", 2);
  expect_flagged(rule, "harness/core/a.h", "// TODO: later\n", 1);
  expect_flagged(rule, "targets/CMakeLists.txt", "# FIXME\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "void f() { std::cout << 1; }\n", 1);
  expect_flagged(rule, "targets/ipc/a.cpp", "using namespace std;\n", 1);
  expect_silent(rule, "targets/ipc/a.cpp",
                "// never sleep() to wait\nconst char* text = \"sleep(1); std::cout\";\n"
                "char name[] = \"x.XXXXXX\";\nusing namespace std::chrono_literals;\n");
  expect_silent(rule, "harness/inproc/a.cpp", "unsigned __wrap_sleep(unsigned);\nsleep(1);\n");
  expect_silent(rule, "targets/peers/a.cpp", "void f() { std::cout << 1; }\n");
  expect_project_keeps(rule);
}

TEST(tidy, lengths) {
  const Rule rule = check_lengths;
  const std::string body = lines(69, "  x();\n");
  expect_flagged(rule, "a.cpp", lines(601), 0);
  expect_flagged(rule, "a.h", lines(151), 0);
  expect_flagged(rule, "a.cpp", "int x;\n//" + std::string(99, '.') + "\n", 2);
  expect_flagged(rule, "a.cpp", "namespace n {\nint f(int x,\n      int y) {\n" + body + "}\n}\n",
                 2);
  expect_flagged(rule, "a_test.cpp", "TEST(a, b) {\n  auto f = [] {\n" + body + "  };\n}\n", 1);
  expect_silent(rule, "a.cpp",
                "struct A {\n" + lines(80) + "};\nconst int a[] = {\n" + lines(80, "  1,\n") +
                    "};\nint f() {\n" + lines(68) + "}\n");
  expect_silent(rule, "a.cpp", "// " + lines(97, "\xc3\xa4") + "\n");
  expect_project_keeps(rule);
}

TEST(tidy, openings) {
  const Rule rule = check_openings;
  const std::string licence = "// SPDX-License-Identifier: MIT\n";
  expect_flagged(rule, "a.h", "// What it is.\n#pragma once\n", 2);
  expect_flagged(rule, "a.h", "// What it is. SPDX-License-Identifier: MIT\n#pragma once\n", 2);
  expect_flagged(rule, "a.h", licence + "#pragma once\n", 1);
  expect_flagged(rule, "a.h", "// What it is.\n" + licence, 3);
  expect_flagged(rule, "a.cpp", licence, 1);
  expect_flagged(rule, "a.cpp", lines(7, "// What.\n") + licence, 1);
  expect_flagged(rule, "harness/start", "#!/bin/sh\nset -e\n", 2);
  expect_flagged(rule, "targets/CMakeLists.txt", "add_subdirectory(ipc)\n", 1);
  expect_silent(rule, "a.h", "// What it is.\n" + licence + "#pragma once\n");
  EXPECT_TRUE(rule({make_file("a.cpp", licence), make_file("a_test.cpp", licence),
                    make_file("a.h", "// What it is.\n" + licence + "#pragma once\n")})
                  .empty());
  expect_project_keeps(rule);
}

TEST(tidy, readmes) {
  const Rule rule = check_readmes;
  const Tree bad = {make_file("README.md", ""), make_file("targets/README.md", ""),
                    make_file("targets/ipc/a.cpp", ""), make_file("corpus/msgq/seed/a", "")};
  const Problems problems = rule(bad);
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].path, "targets/ipc/README.md");
  expect_project_keeps(rule);
}

TEST(tidy, names) {
  const Rule rule = check_names;
  expect_flagged(rule, "targets/ipc/MessageQueue.cpp", "", 0);
  expect_flagged(rule, "targets/ipc/message-queue.cpp", "", 0);
  expect_flagged(rule, "corpus/msgq/seed/0A1B", "", 0);
  expect_silent(rule, "corpus/msgq/seed/mtype-zero", "");
  expect_silent(rule, "corpus/dict/msgq.dict", "");
  expect_silent(rule, "targets/ipc/message_queue_test.cpp", "");
  expect_project_keeps(rule);
}

TEST(tidy, sanitizer_flags) {
  const Rule rule = check_sanitizer_flags;
  expect_flagged(rule, "CMakeLists.txt", "\nadd_link_options(-fsanitize=address)\n", 2);
  expect_flagged(rule, "harness/check", "export ASAN_OPTIONS=detect_leaks=0\n", 1);
  expect_silent(rule, "sanitizers/sanitizers.cmake", "add_link_options(-fsanitize=address)\n");
  expect_silent(rule, "targets/README.md", "UBSAN_OPTIONS still override them.\n");
  expect_project_keeps(rule);
}

TEST(tidy, private_paths) {
  const Rule rule = check_private_paths;
  expect_flagged(rule, "harness/check", "cd /home/me/pipewrench\n", 1);
  expect_flagged(rule, "targets/a.cpp", "f(\"/root/x\");\n", 1);
  expect_silent(rule, "targets/a.cpp", "f(\"/proc/self/root/x\"); g(\"targets/home/x\");\n");
  expect_project_keeps(rule);
}

// What the rules read as code: no comment, no text.
TEST(tidy, code_is_without_comments_and_text) {
  const File file = make_file("a.cpp",
                              "int a = 1'000; // b\n/* c\n d */ e(\"f\\\"g\", 'h');\n"
                              "R\"x(i\nj)x\" k\n");
  ASSERT_EQ(file.code.size(), 5u);
  EXPECT_EQ(file.code[0], "int a = 1'000;     ");
  EXPECT_EQ(file.code[1], "    ");
  EXPECT_EQ(file.code[2], "      e(\"    \", ' ');");
  EXPECT_EQ(file.code[3], "     ");
  EXPECT_EQ(file.code[4], "     k");
}

}  // namespace
}  // namespace tidy
