// SPDX-License-Identifier: MIT
#include "targets/ipc/frame_io.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/pipe.h"

namespace ipc {
namespace {

using pipewrench::Guard;
using pipewrench::VirtualTime;

constexpr std::size_t kCapacity = 65536;

Deadline soon() { return Deadline::after(std::chrono::milliseconds(5)); }

class FrameIo : public ::testing::Test {
 protected:
  void put(std::string_view bytes) {
    ASSERT_TRUE(write_all(pipe_.writer.get(), bytes, Deadline::now(), kPipePolicy).complete());
  }

  Guard guard_;
  VirtualTime time_;
  Pipe pipe_ = make_pipe().value();
  MessageReader reader_{pipe_.reader.get(), kPipePolicy};
  MessageWriter writer_{pipe_.writer.get(), kPipePolicy};
};

TEST_F(FrameIo, carries_messages_in_order) {
  for (long type = -2; type < 3; ++type)
    ASSERT_TRUE(writer_.send({.type = type, .payload = std::string(100, 'p')}, Deadline::now()));
  for (long type = -2; type < 3; ++type)
    EXPECT_EQ(reader_.receive(Deadline::now()).value()->type, type);
  EXPECT_EQ(reader_.receive(Deadline::now()).error().kind, Kind::would_block);
}

TEST_F(FrameIo, a_message_larger_than_the_pipe_goes_in_parts) {
  const Message big{.type = 9, .payload = std::string(3 * kCapacity, 'b')};
  Result<> sent = writer_.send(big, soon());
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().kind, Kind::timed_out);
  EXPECT_EQ(writer_.unsent(), kFrameHeader + big.payload.size() - kCapacity);
  EXPECT_EQ(writer_.send(big, Deadline::now()).error().kind, Kind::bad_argument) << "flush first";
  for (int round = 0; round < 8 && writer_.unsent() > 0; ++round) {
    EXPECT_EQ(reader_.receive(Deadline::now()).error().kind, Kind::would_block);
    (void)writer_.flush(Deadline::now());
  }
  EXPECT_EQ(writer_.unsent(), 0u);
  EXPECT_EQ(reader_.receive(Deadline::now()).value(), big);
  EXPECT_EQ(reader_.held(), 0u);
}

TEST_F(FrameIo, a_message_that_found_no_room_was_not_taken) {
  put(std::string(kCapacity, 'f'));
  EXPECT_EQ(writer_.send({.type = 1, .payload = "x"}, Deadline::now()).error().kind,
            Kind::would_block);
  EXPECT_EQ(writer_.unsent(), 0u);
  EXPECT_TRUE(writer_.flush(Deadline::now()).has_value());
}

TEST_F(FrameIo, refuses_too_big_without_writing) {
  MessageWriter small(pipe_.writer.get(), kPipePolicy, 4);
  EXPECT_EQ(small.send({.type = 1, .payload = "12345"}, Deadline::now()).error().kind,
            Kind::too_big);
  EXPECT_EQ(reader_.receive(Deadline::now()).error().kind, Kind::would_block);
  ASSERT_TRUE(writer_.send({.type = 1, .payload = "12345"}, Deadline::now()));
  MessageReader picky(pipe_.reader.get(), kPipePolicy, 4);
  EXPECT_EQ(picky.receive(Deadline::now()).error().kind, Kind::too_big);
  EXPECT_EQ(picky.receive(Deadline::now()).error().kind, Kind::too_big) << "for good";
}

TEST_F(FrameIo, the_end_between_messages_is_no_error) {
  ASSERT_TRUE(writer_.send({.type = 1, .payload = "last"}, Deadline::now()));
  pipe_.writer.close();
  EXPECT_EQ(reader_.receive(Deadline::never()).value()->payload, "last");
  EXPECT_FALSE(reader_.receive(Deadline::never()).value().has_value());
  EXPECT_FALSE(reader_.receive(Deadline::never()).value().has_value());
}

TEST_F(FrameIo, the_end_inside_a_message_is_truncated) {
  put(encode({.type = 1, .payload = "torn"}).value().substr(0, kFrameHeader + 2));
  pipe_.writer.close();
  EXPECT_EQ(reader_.receive(Deadline::never()).error().kind, Kind::truncated);
  EXPECT_EQ(reader_.held(), kFrameHeader + 2);
}

TEST_F(FrameIo, junk_is_corrupt_for_good) {
  put("not a frame");
  EXPECT_EQ(reader_.receive(Deadline::now()).error().kind, Kind::corrupt);
  ASSERT_TRUE(writer_.send({.type = 1, .payload = "fine"}, Deadline::now()));
  EXPECT_EQ(reader_.receive(Deadline::now()).error().kind, Kind::corrupt);
}

TEST_F(FrameIo, the_rest_is_dropped_when_the_reader_is_gone) {
  EXPECT_FALSE(writer_.send({.type = 1, .payload = std::string(kCapacity, 'x')}, Deadline::now()));
  EXPECT_GT(writer_.unsent(), 0u);
  pipe_.reader.close();
  EXPECT_EQ(writer_.flush(Deadline::never()).error().kind, Kind::peer_gone);
  EXPECT_EQ(writer_.unsent(), 0u);
  EXPECT_EQ(writer_.send({.type = 1, .payload = "x"}, Deadline::never()).error().kind,
            Kind::peer_gone);
}

TEST_F(FrameIo, survives_every_fault_at_every_call) {
  const Message sent{.type = 5, .payload = std::string(9000, 's')};
  for (std::uint8_t choice = 1; choice <= 5; ++choice) {
    bool played = true;
    for (std::uint8_t skip = 0; played; ++skip) {
      const Guard nothing_leaks;
      Pipe pipe = make_pipe().value();
      MessageWriter writer(pipe.writer.get());
      MessageReader reader(pipe.reader.get());
      const auto choices = pipewrench::fault_at(skip, choice);
      pipewrench::Faults faults(choices);
      const Result<> done = writer.send(sent, soon());
      const auto received = reader.receive(soon());
      if (done && received) {
        EXPECT_EQ(received.value(), sent);
      }
      played = !faults.played().empty();
    }
  }
}

}  // namespace
}  // namespace ipc
