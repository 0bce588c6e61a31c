// The program under a test that looks at it as a script does: exit status and text.
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#ifndef PIPEWRENCH
#define PIPEWRENCH "pipewrench"  // the build says where it is
#endif

namespace pipewrench {

struct Result {
  int status = -1;
  std::string text{};  // standard output, and standard error if asked for
};

class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest() { EXPECT_NE(::mkdtemp(root_.data()), nullptr); }
  ~ProgramTest() override { std::filesystem::remove_all(root_); }

  // In an empty directory, without a terminal.
  Result run(const std::string& arguments) const { return shell("'" PIPEWRENCH "' " + arguments); }
  Result shell(const std::string& line) const {
    const std::string command = "cd '" + root_ + "' && " + line;
    Result result;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return result;
    char chunk[4096];
    for (std::size_t got = 0; (got = std::fread(chunk, 1, sizeof(chunk), pipe)) > 0;)
      result.text.append(chunk, got);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ + "/" + name) << text;
  }

  std::string root_ = std::filesystem::temp_directory_path() / "pipewrench-program-XXXXXX";
};

inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
inline std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of('\n');
  return text.substr(text.rfind('\n', end) + 1, end - text.rfind('\n', end));
}

}  // namespace pipewrench
