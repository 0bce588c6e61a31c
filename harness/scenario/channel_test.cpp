// SPDX-License-Identifier: MIT
#include "harness/scenario/channel.h"

#include <gtest/gtest.h>

namespace pipewrench {
namespace {

TEST(channel, words_that_name_one) {
  for (const char* text : {"pipe", "pipe#1", "fifo", "fifo room", "fifo ./room", "fifo /tmp/a b",
                           "./room", "/tmp/room", "queue", "queue#2", "queue 0x1234"})
    EXPECT_TRUE(is_channel(text)) << text;
  for (const char* text :
       {"", "fifi room", "room", "fifo ", "fifo#1", "pipe 1", "pipe#x", "queue 1234", "queue 0x",
        "queue 0x123456789", "queue room", "socket", "semaphore 0x1", "./", "fifos"})
    EXPECT_FALSE(is_channel(text)) << text;
}
TEST(channel, objects_are_found_by_them) {
  EXPECT_TRUE(is_of_channel("fifo ./room", "fifo room"));
  EXPECT_TRUE(is_of_channel("fifo ./room", "fifo ./room"));
  EXPECT_TRUE(is_of_channel("fifo ./room", "./room"));
  EXPECT_TRUE(is_of_channel("fifo /tmp/room", "/tmp/room"));
  EXPECT_TRUE(is_of_channel("fifo ./room", "fifo"));
  EXPECT_TRUE(is_of_channel("queue 0x1a", "queue 0x0000001A"));
  EXPECT_TRUE(is_of_channel("pipe#1", "pipe#1"));
  EXPECT_TRUE(is_of_channel("pipe#1", "pipe"));
  EXPECT_FALSE(is_of_channel("pipe#11", "pipe#1"));
  EXPECT_FALSE(is_of_channel("fifo ./rooms", "fifo room"));
  EXPECT_FALSE(is_of_channel("file ./room", "./room"));
  EXPECT_FALSE(is_of_channel("queue 0x1", "queue 0x2"));
}

}  // namespace
}  // namespace pipewrench
