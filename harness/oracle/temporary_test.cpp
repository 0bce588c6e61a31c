// SPDX-License-Identifier: MIT
#include "harness/oracle/temporary.h"

#include <gtest/gtest.h>

#include "harness/oracle/judged.h"

namespace pipewrench::test {
namespace {

TEST(temporary, names_that_were_made_up) {
  EXPECT_EQ(without_random("/tmp/log.aB3xZq"), "/tmp/log.XXXXXX");
  EXPECT_EQ(without_random("/tmp/chatq8Zr1K"), "/tmp/chatXXXXXX");
  EXPECT_EQ(without_random("/tmp/tmp.k3JqP0aBcd"), "/tmp/tmp.XXXXXX");
  EXPECT_EQ(without_random("/tmp/dir-Xy71qa/room"), "/tmp/dir-XXXXXX/room");
  EXPECT_EQ(without_random("./a_9fKe2M.fifo"), "./a_XXXXXX.fifo");
  EXPECT_EQ(without_random("/tmp/tmpa8x_k2qe"), "/tmp/tmpXXXXXX");
}
TEST(temporary, names_that_somebody_gave) {
  for (const char* name : {"./room", "./reader", "/tmp/server.pid", "./ROOM12", "./logFile",
                           "./tmpdirectory", "./a.b.c", "/run/MyServer.sock", "./channel1",
                           "./REQUEST", "", "/", "./x1", "./requests.fifo", "./tmpchannels"})
    EXPECT_EQ(without_random(name), name);
}
TEST(temporary, another_seed_is_the_same_cause) {
  const auto said = [](const std::string& fifo) {
    TraceBuilder t{"maker"};
    return texts(judged(t.does("maker", Call::mkfifo, fifo).leaves(fifo).exits("maker")));
  };
  EXPECT_EQ(said("fifo /tmp/pipe.aB3xZq"), "leak: fifo /tmp/pipe.XXXXXX of maker\n");
  EXPECT_EQ(said("fifo /tmp/pipe.9kQwRt"), "leak: fifo /tmp/pipe.XXXXXX of maker\n");
}

}  // namespace
}  // namespace pipewrench::test
