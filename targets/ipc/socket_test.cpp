// SPDX-License-Identifier: MIT
#include "targets/ipc/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/pipe.h"

namespace ipc {
namespace {

using pipewrench::Guard;
using pipewrench::VirtualTime;

constexpr SocketOptions kReport{.on_signal = OnSignal::report};

Deadline soon() { return Deadline::after(std::chrono::milliseconds(5)); }

// A descriptor to pass, and the proof that what arrived is the same pipe.
struct Token {
  Pipe pipe = make_pipe().value();
  int fd() const { return pipe.writer.get(); }
  bool is_behind(const Fd& arrived) {
    std::array<char, 1> byte{};
    return write_some(arrived.get(), "t", Deadline::now()).has_value() &&
           read_some(pipe.reader.get(), byte, Deadline::now()).value_or(0) == 1;
  }
  // True once no copy of the writing end is open.
  bool is_gone() {
    pipe.writer.close();
    std::array<char, 1> byte{};
    const auto read = read_some(pipe.reader.get(), byte, Deadline::now());
    return read.has_value() && *read == 0;
  }
};

// Sends raw bytes with descriptors, as a peer that keeps no rule.
void send_raw(int fd, std::string_view bytes, std::span<const int> fds = {}) {
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 2 * kMaxFds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    *header = {};
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  ASSERT_EQ(::sendmsg(fd, &message, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

class BothKinds : public ::testing::TestWithParam<SocketKind> {
 protected:
  Guard guard_;
  VirtualTime time_;
  std::pair<Connection, Connection> ends_ = Connection::pair(GetParam()).value();
  Connection& a_ = ends_.first;
  Connection& b_ = ends_.second;
};

INSTANTIATE_TEST_SUITE_P(Socket, BothKinds,
                         ::testing::Values(SocketKind::stream, SocketKind::seqpacket),
                         [](const auto& kind) {
                           return std::string(kind.param == SocketKind::stream ? "stream"
                                                                               : "seqpacket");
                         });

TEST_P(BothKinds, carries_messages_both_ways_in_order) {
  for (long type = -1; type < 3; ++type)
    ASSERT_TRUE(a_.send({.type = type, .payload = std::string(300, 'a')}, Deadline::now()));
  ASSERT_TRUE(b_.send({.type = 9, .payload = ""}, Deadline::now()));
  for (long type = -1; type < 3; ++type)
    EXPECT_EQ(b_.receive(Deadline::now()).value()->message, (Message{type, std::string(300, 'a')}));
  EXPECT_EQ(a_.receive(Deadline::now()).value()->message, (Message{9, ""}));
}

TEST_P(BothKinds, expiry_is_would_block_for_now_and_timed_out_otherwise) {
  EXPECT_EQ(a_.receive(Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(a_.receive(soon()).error().kind, Kind::timed_out);
  Result<> sent;
  for (int i = 0; i < 100 && sent; ++i)
    sent = a_.send({.type = 1, .payload = std::string(60000, 'x')}, Deadline::now());
  EXPECT_EQ(sent.error().kind, Kind::would_block);
  if (a_.unsent() == 0) {
    EXPECT_EQ(a_.send({.type = 1, .payload = std::string(60000, 'x')}, soon()).error().kind,
              Kind::timed_out);
  }
}

TEST_P(BothKinds, the_end_is_no_error_and_no_data) {
  ASSERT_TRUE(a_.send({.type = 1, .payload = "last"}, Deadline::now()));
  ASSERT_TRUE(a_.end_sending());
  EXPECT_EQ(b_.receive(Deadline::never()).value()->message.payload, "last");
  EXPECT_FALSE(b_.receive(Deadline::never()).value().has_value());
  ASSERT_TRUE(b_.send({.type = 2, .payload = "back"}, Deadline::now()));
  EXPECT_EQ(a_.receive(Deadline::never()).value()->message.payload, "back");
}

TEST_P(BothKinds, a_peer_that_is_gone_is_a_value) {
  b_.close();
  EXPECT_EQ(a_.send({.type = 1, .payload = "x"}, Deadline::never()).error().kind, Kind::peer_gone);
  EXPECT_FALSE(a_.receive(Deadline::never()).value().has_value());
}

TEST_P(BothKinds, a_peer_that_left_unread_data_resets) {
  ASSERT_TRUE(a_.send({.type = 1, .payload = "unread"}, Deadline::now()));
  b_.close();
  EXPECT_EQ(a_.receive(Deadline::never()).error().kind, Kind::peer_gone);
  EXPECT_FALSE(a_.receive(Deadline::never()).value().has_value());
}

TEST_P(BothKinds, refuses_too_big_without_sending) {
  EXPECT_EQ(a_.send({.type = 1, .payload = std::string(65537, 'x')}, Deadline::now()).error().kind,
            Kind::too_big);
  EXPECT_EQ(b_.receive(Deadline::now()).error().kind, Kind::would_block);
}

TEST_P(BothKinds, passes_descriptors_with_their_message) {
  Token token;
  const std::array<int, 2> fds{token.fd(), token.fd()};
  ASSERT_TRUE(a_.send({.type = 1, .payload = "none"}, Deadline::now()));
  ASSERT_TRUE(a_.send({.type = 2, .payload = "two"}, Deadline::now(), fds));
  ASSERT_TRUE(a_.send({.type = 3, .payload = "none"}, Deadline::now()));
  EXPECT_TRUE(b_.receive(Deadline::now(), kMaxFds).value()->fds.empty());
  const Received two = std::move(*b_.receive(Deadline::now(), kMaxFds).value());
  ASSERT_EQ(two.fds.size(), 2u);
  EXPECT_EQ(::fcntl(two.fds[0].get(), F_GETFD), FD_CLOEXEC);
  EXPECT_TRUE(token.is_behind(two.fds[0]));
  EXPECT_TRUE(token.is_behind(two.fds[1]));
  EXPECT_TRUE(b_.receive(Deadline::now(), kMaxFds).value()->fds.empty());
}

TEST_P(BothKinds, closes_descriptors_that_nobody_asked_for) {
  Token token;
  const std::array<int, 3> fds{token.fd(), token.fd(), token.fd()};
  ASSERT_TRUE(a_.send({.type = 1, .payload = "x"}, Deadline::now(), fds));
  ASSERT_TRUE(a_.send({.type = 2, .payload = "y"}, Deadline::now(), fds));
  EXPECT_EQ(b_.receive(Deadline::now(), 1).value()->fds.size(), 1u);
  EXPECT_TRUE(b_.receive(Deadline::now()).value()->fds.empty());
  EXPECT_TRUE(token.is_gone());
}

TEST_P(BothKinds, refuses_too_many_or_closed_descriptors) {
  const std::array<int, kMaxFds + 1> many{};
  EXPECT_EQ(a_.send({.type = 1, .payload = ""}, Deadline::now(), many).error().kind,
            Kind::bad_argument);
  const std::array<int, 1> closed{-1};
  EXPECT_EQ(a_.send({.type = 1, .payload = ""}, Deadline::now(), closed).error().kind,
            Kind::bad_argument);
  EXPECT_EQ(a_.unsent(), 0u);
}

TEST_P(BothKinds, says_that_descriptors_were_lost) {
  Token token;
  std::array<int, kMaxFds + 1> many{};
  many.fill(token.fd());
  send_raw(a_.fd(), encode({.type = 1, .payload = "x"}).value(), many);
  ASSERT_TRUE(a_.send({.type = 2, .payload = "next"}, Deadline::now()));
  const auto lost = b_.receive(Deadline::now(), kMaxFds);
  EXPECT_EQ(lost.error().kind, Kind::truncated);
  EXPECT_EQ(b_.receive(Deadline::now()).value()->message.payload, "next");
  EXPECT_TRUE(token.is_gone());
}

TEST_P(BothKinds, never_leaks_the_descriptors_of_junk) {
  Token token;
  const std::array<int, 1> fds{token.fd()};
  send_raw(a_.fd(), "junk", fds);
  EXPECT_EQ(b_.receive(Deadline::now(), 1).error().kind, Kind::corrupt);
  EXPECT_TRUE(token.is_gone());
}

TEST_P(BothKinds, names_the_peer) {
  const Credentials peer = a_.peer().value();
  EXPECT_EQ(peer.pid, ::getpid());
  EXPECT_EQ(peer.uid, ::getuid());
  EXPECT_EQ(peer.gid, ::getgid());
  a_.close();
  EXPECT_EQ(a_.peer().error().kind, Kind::bad_argument);
  EXPECT_EQ(a_.end_sending().error().kind, Kind::bad_argument);
}

TEST_P(BothKinds, reports_eintr_where_the_options_say_so) {
  auto [one, other] = std::move(Connection::pair(GetParam(), kReport).value());
  const auto choices = pipewrench::fault_at(1, 2);  // the poll behind the first EAGAIN
  const pipewrench::Faults faults(choices);
  EXPECT_EQ(one.receive(soon()).error().kind, Kind::interrupted);
}

TEST_P(BothKinds, survives_every_fault_at_every_call) {
  for (std::uint8_t choice = 1; choice <= 5; ++choice) {
    bool played = true;
    for (std::uint8_t skip = 0; played; ++skip) {
      const Guard nothing_leaks;
      Token token;
      const std::array<int, 1> fds{token.fd()};
      const auto choices = pipewrench::fault_at(skip, choice);
      pipewrench::Faults faults(choices);
      auto pair = Connection::pair(GetParam());
      if (pair) {
        const Message sent{.type = 5, .payload = std::string(9000, 's')};
        const Result<> done = pair->first.send(sent, soon(), fds);
        const auto received = pair->second.receive(soon(), 1);
        if (done && received) {
          EXPECT_EQ(received.value()->message, sent);
          EXPECT_EQ(received.value()->fds.size(), 1u);
        }
        (void)pair->first.peer();
      }
      played = !faults.played().empty();
    }
  }
}

TEST(StreamSocket, a_large_message_goes_in_parts_with_its_descriptors_once) {
  const Guard guard;
  auto [a, b] =
      std::move(Connection::pair(SocketKind::stream, {.max_payload = kMaxPayload}).value());
  Token token;
  const std::array<int, 1> fds{token.fd()};
  const Message big{.type = 4, .payload = std::string(kMaxPayload, 'b')};
  EXPECT_EQ(a.send(big, Deadline::now(), fds).error().kind, Kind::would_block);
  EXPECT_GT(a.unsent(), 0u);
  EXPECT_EQ(a.send(big, Deadline::now()).error().kind, Kind::bad_argument) << "flush first";
  Result<std::optional<Received>> received = b.receive(Deadline::now(), kMaxFds);
  for (int round = 0; round < 100 && !received; ++round) {
    ASSERT_EQ(received.error().kind, Kind::would_block);
    (void)a.flush(Deadline::now());
    if (a.unsent() == 0) {
      ASSERT_TRUE(a.send({.type = 5, .payload = "next"}, Deadline::now()));
    }
    received = b.receive(Deadline::now(), kMaxFds);
  }
  EXPECT_EQ(received.value()->message, big);
  EXPECT_EQ(received.value()->fds.size(), 1u);
  EXPECT_TRUE(b.receive(Deadline::now(), kMaxFds).value()->fds.empty());
}

TEST(StreamSocket, the_rest_is_dropped_when_the_peer_is_gone) {
  const Guard guard;
  auto [a, b] =
      std::move(Connection::pair(SocketKind::stream, {.max_payload = kMaxPayload}).value());
  EXPECT_FALSE(a.send({.type = 4, .payload = std::string(kMaxPayload, 'b')}, Deadline::now()));
  b.close();
  EXPECT_EQ(a.flush(Deadline::never()).error().kind, Kind::peer_gone);
  EXPECT_EQ(a.unsent(), 0u);
}

// The end of one message and the whole next one, which alone has descriptors, come in one read.
TEST(StreamSocket, descriptors_stay_with_the_message_that_brought_them) {
  const Guard guard;
  auto [a, b] = std::move(Connection::pair(SocketKind::stream).value());
  Token first_token;
  Token second_token;
  const std::array<int, 1> first_fds{first_token.fd()};
  const std::array<int, 1> second_fds{second_token.fd()};
  const std::string first = encode({.type = 1, .payload = "first"}).value();
  const std::string second = encode({.type = 2, .payload = "second"}).value();
  send_raw(a.fd(), first.substr(0, 10), first_fds);
  EXPECT_EQ(b.receive(Deadline::now(), kMaxFds).error().kind, Kind::would_block);
  send_raw(a.fd(), first.substr(10));
  send_raw(a.fd(), second, second_fds);
  Received one = std::move(*b.receive(Deadline::now(), kMaxFds).value());
  Received two = std::move(*b.receive(Deadline::now(), kMaxFds).value());
  ASSERT_EQ(one.fds.size(), 1u);
  ASSERT_EQ(two.fds.size(), 1u);
  EXPECT_TRUE(first_token.is_behind(one.fds[0]));
  EXPECT_TRUE(second_token.is_behind(two.fds[0]));
}

TEST(StreamSocket, holds_a_bounded_number_of_descriptors) {
  const Guard guard;
  auto [a, b] = std::move(Connection::pair(SocketKind::stream).value());
  Token token;
  std::array<int, kMaxFds> fds{};
  fds.fill(token.fd());
  const std::string frame = encode({.type = 1, .payload = "12345678"}).value();
  for (std::size_t at = 0; at < 5; ++at) {
    send_raw(a.fd(), frame.substr(at, 1), fds);
    EXPECT_EQ(b.receive(Deadline::now()).error().kind, Kind::would_block);
  }
  send_raw(a.fd(), frame.substr(5));
  EXPECT_EQ(b.receive(Deadline::now(), kMaxFds).error().kind, Kind::truncated);
  EXPECT_TRUE(token.is_gone());
}

TEST(StreamSocket, the_end_inside_a_message_is_truncated) {
  const Guard guard;
  auto [a, b] = std::move(Connection::pair(SocketKind::stream).value());
  Token token;
  const std::array<int, 1> fds{token.fd()};
  send_raw(a.fd(), encode({.type = 1, .payload = "torn"}).value().substr(0, 26), fds);
  a.close();
  EXPECT_EQ(b.receive(Deadline::never()).error().kind, Kind::truncated);
  EXPECT_TRUE(token.is_gone());
}

TEST(SeqpacketSocket, a_cut_packet_is_too_big_and_the_next_is_fine) {
  const Guard guard;
  auto [a, b] = std::move(Connection::pair(SocketKind::seqpacket, {.max_payload = 100}).value());
  send_raw(a.fd(), encode({.type = 1, .payload = std::string(101, 'x')}).value());
  send_raw(a.fd(), encode({.type = 2, .payload = std::string(100, 'x')}).value());
  send_raw(a.fd(), encode({.type = 3, .payload = std::string(100, 'x')}).value() + "more");
  EXPECT_EQ(b.receive(Deadline::now()).error().kind, Kind::too_big);
  EXPECT_EQ(b.receive(Deadline::now()).value()->message.type, 2);
  EXPECT_EQ(b.receive(Deadline::now()).error().kind, Kind::corrupt);
}

TEST(SeqpacketSocket, a_packet_that_is_not_one_frame_is_corrupt) {
  const Guard guard;
  auto [a, b] = std::move(Connection::pair(SocketKind::seqpacket).value());
  const std::string frame = encode({.type = 1, .payload = "x"}).value();
  for (const std::string& packet :
       {frame + frame, frame + "x", frame.substr(0, 5), frame.substr(0, 24)}) {
    send_raw(a.fd(), packet);
    EXPECT_EQ(b.receive(Deadline::now()).error().kind, Kind::corrupt);
  }
  send_raw(a.fd(), frame);
  EXPECT_TRUE(b.receive(Deadline::now()).value().has_value());
}

TEST(SeqpacketSocket, more_than_the_send_buffer_takes_is_too_big) {
  const Guard guard;
  auto [a, b] =
      std::move(Connection::pair(SocketKind::seqpacket, {.max_payload = kMaxPayload}).value());
  EXPECT_EQ(
      a.send({.type = 1, .payload = std::string(kMaxPayload, 'x')}, Deadline::never()).error().kind,
      Kind::too_big);
}

}  // namespace
}  // namespace ipc
