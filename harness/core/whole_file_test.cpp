// SPDX-License-Identifier: MIT
#include "harness/core/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>

#include "harness/core/fd.h"

namespace pipewrench {
namespace {

namespace fs = std::filesystem;

TEST(whole_file, only_what_the_dead_left_half_done_is_removed) {
  std::string root = fs::temp_directory_path() / "pipewrench-whole-XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string of_the_dead = root + "/.new-" + std::to_string(dead) + "-x";
  fs::create_directories(of_the_dead + "/deep");
  std::ofstream(half_done_path(root, "y")) << "ours";
  std::ofstream(root + "/finding") << "whole";
  remove_half_done(root);
  EXPECT_FALSE(fs::exists(of_the_dead));
  EXPECT_TRUE(fs::exists(half_done_path(root, "y")));
  EXPECT_TRUE(fs::exists(root + "/finding"));
  fs::remove_all(root);
}

TEST(whole_file, writes_over_partial_transfers) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  const std::string text(1 << 20, 'x');  // more than a pipe holds
  const pid_t child = ::fork();
  if (child == 0) ::_exit(write_all(writer.get(), text) ? 0 : 1);
  writer.reset();
  std::string got;
  char chunk[4096];
  for (ssize_t size; (size = ::read(reader.get(), chunk, sizeof chunk)) > 0;)
    got.append(chunk, static_cast<std::size_t>(size));
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(got, text);
  EXPECT_FALSE(write_all(-1, "x"));
}

}  // namespace
}  // namespace pipewrench
