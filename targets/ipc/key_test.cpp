// SPDX-License-Identifier: MIT
#include "targets/ipc/key.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/msg.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "targets/ipc/sysv_testing.h"
#include "targets/ipc/test_support.h"

namespace ipc {
namespace {

constexpr int kProject = 'a';
constexpr std::chrono::milliseconds kShort_ms{1};

class Key : public ::testing::Test {
 protected:
  Result<KeyFile> open(Deadline deadline = Deadline::never()) {
    return KeyFile::open(path_, kProject, deadline);
  }
  Kind kind(const auto& result) {
    EXPECT_FALSE(result.has_value());
    return result ? Kind::system : result.error().kind;
  }
  void write(const std::string& text) { std::ofstream(path_) << text; }

  TempDir directory_;
  std::string path_ = directory_ / "key";
};

TEST_F(Key, is_what_ftok_says) {
  const auto file = open();
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->key(), ::ftok(path_.c_str(), kProject));
  EXPECT_FALSE(file->recorded_id().has_value());
  struct stat status{};
  ::stat(path_.c_str(), &status);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Key, remembers_the_id) {
  ASSERT_TRUE(open().value().record(12345));
  ASSERT_TRUE(open().value().record(7));
  EXPECT_EQ(open().value().recorded_id(), 7);
  EXPECT_TRUE(open().value().check(7));
  EXPECT_EQ(kind(open().value().check(8)), Kind::exists);
}

TEST_F(Key, refuses_projects_that_ftok_cuts) {
  for (const int project : {0, -1, 256})
    EXPECT_EQ(kind(KeyFile::open(path_, project, Deadline::now())), Kind::bad_argument);
}

TEST_F(Key, refuses_what_is_not_a_key_file) {
  for (const char* text : {"x", "sysv-id \n", "sysv-id -1\n", "sysv-id 1", "sysv-id 1x\n"}) {
    write(text);
    EXPECT_EQ(kind(open()), Kind::corrupt) << text;
  }
  write("sysv-id 99999999999999999999\n");
  EXPECT_EQ(kind(open()), Kind::corrupt);
}

TEST_F(Key, refuses_links_directories_and_fifos) {
  std::filesystem::create_symlink("/nowhere", path_);
  EXPECT_EQ(kind(open()), Kind::wrong_type);
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_EQ(kind(open()), Kind::wrong_type);
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(kind(open()), Kind::wrong_type);
  EXPECT_EQ(kind(KeyFile::open(directory_ / "no/such", kProject, Deadline::now())),
            Kind::not_found);
}

TEST_F(Key, refuses_a_file_that_others_may_write) {
  write("");
  ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
  EXPECT_EQ(kind(open()), Kind::permission);
}

TEST_F(Key, waits_for_the_lock_until_the_deadline) {
  auto holder = open();
  ASSERT_TRUE(holder.has_value());
  EXPECT_EQ(kind(open(Deadline::now())), Kind::would_block);
  EXPECT_EQ(kind(open(Deadline::after(kShort_ms))), Kind::timed_out);
  holder = open(Deadline::now());  // fails, and lets the holder go
  EXPECT_TRUE(open(Deadline::after(kShort_ms)).has_value());
}

TEST_F(Key, unlinks_only_its_own_file) {
  auto file = open();
  ASSERT_TRUE(file.has_value());
  std::filesystem::rename(path_, directory_ / "moved");
  EXPECT_EQ(kind(file->unlink()), Kind::not_found);
  write("");
  EXPECT_EQ(kind(file->unlink()), Kind::stale);
  std::filesystem::rename(directory_ / "moved", path_);
  EXPECT_TRUE(file->unlink());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Key, names_one_queue_for_all) {
  auto file = open();
  const auto owner = open_queue(*file, OnStale::fail);
  ASSERT_TRUE(owner.has_value());
  EXPECT_TRUE(owner->is_owner());
  const auto guest = open_queue(*file, OnStale::fail);
  EXPECT_EQ(guest.value().id(), owner->id());
  EXPECT_FALSE(guest->is_owner());
}

TEST_F(Key, a_collision_is_an_error_and_leaves_the_other_queue_alone) {
  auto file = open();
  const int foreign = ::msgget(file->key(), IPC_CREAT | IPC_EXCL | 0600);
  ASSERT_GE(foreign, 0);
  EXPECT_EQ(kind(open_queue(*file, OnStale::recreate)), Kind::exists);
  EXPECT_TRUE(MessageQueue::from_id(foreign).remove());
}

}  // namespace
}  // namespace ipc
