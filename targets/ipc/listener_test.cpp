// SPDX-License-Identifier: MIT
#include "targets/ipc/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "harness/inproc/faults.h"
#include "harness/inproc/guard.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/crc32c.h"
#include "targets/ipc/socket_address.h"

namespace ipc {
namespace {

using pipewrench::Guard;
using pipewrench::VirtualTime;

constexpr auto kStream = SocketKind::stream;

Deadline soon() { return Deadline::after(std::chrono::milliseconds(5)); }

class ListenerTest : public ::testing::Test {
 protected:
  ListenerTest() : folder_((std::filesystem::temp_directory_path() / "listener.XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/name";
  }
  ~ListenerTest() override { std::filesystem::remove_all(folder_); }

  bool is_there() const { return std::filesystem::exists(std::filesystem::symlink_status(path_)); }
  Kind kind_of_listen() const { return Listener::listen(path_, kStream).error().kind; }
  // What a server that was killed leaves: bound, nobody listens.
  void leave_stale(int type = SOCK_STREAM) {
    const Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const SocketAddress address = path_address(path_).value();
    ASSERT_EQ(::bind(fd.get(), address.get(), address.size), 0);
  }

  std::string folder_;
  std::string path_;
};

TEST_F(ListenerTest, accepts_and_talks) {
  for (const SocketKind kind : {SocketKind::stream, SocketKind::seqpacket}) {
    const Guard guard;
    const VirtualTime time;
    Listener listener = Listener::listen(path_, kind).value();
    EXPECT_EQ(listener.accept(Deadline::now()).error().kind, Kind::would_block);
    EXPECT_EQ(listener.accept(soon()).error().kind, Kind::timed_out);
    Connection client = Connection::connect(path_, kind, Deadline::now()).value();
    Connection server = listener.accept(Deadline::never()).value();
    EXPECT_EQ(::fcntl(server.fd(), F_GETFD), FD_CLOEXEC);
    ASSERT_TRUE(client.send({.type = 3, .payload = "hello"}, Deadline::now()));
    EXPECT_EQ(server.receive(Deadline::now()).value()->message, (Message{3, "hello"}));
    EXPECT_EQ(server.peer().value().pid, ::getpid());
  }
  EXPECT_FALSE(is_there());
}

TEST_F(ListenerTest, the_name_is_for_its_owner_only) {
  const Listener listener = Listener::listen(path_, kStream).value();
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(ListenerTest, replaces_what_a_dead_server_left) {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    leave_stale(type);
    EXPECT_EQ(Connection::connect(path_, kStream, Deadline::now()).error().kind, Kind::peer_gone);
    Listener listener = Listener::listen(path_, kStream).value();
    EXPECT_TRUE(Connection::connect(path_, kStream, Deadline::now()).has_value());
  }
}

TEST_F(ListenerTest, never_takes_the_name_of_a_living_server) {
  Listener listener = Listener::listen(path_, kStream, {.backlog = 0}).value();
  EXPECT_EQ(kind_of_listen(), Kind::exists);
  EXPECT_EQ(Listener::listen(path_, SocketKind::seqpacket).error().kind, Kind::exists);
  EXPECT_EQ(kind_of_listen(), Kind::exists) << "also with a full backlog";
  EXPECT_TRUE(listener.accept(Deadline::now()).has_value());
}

TEST_F(ListenerTest, refuses_a_name_that_is_just_being_taken) {
  struct stat status{};
  ASSERT_EQ(::stat(folder_.c_str(), &status), 0);
  const SocketAddress claim =
      abstract_address("pipewrench-listen/" + std::to_string(status.st_dev) + "/" +
                       std::to_string(status.st_ino) + "/" + std::to_string(crc32c("name")));
  const Fd other(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(other.get(), claim.get(), claim.size), 0);
  EXPECT_EQ(kind_of_listen(), Kind::exists);
}

TEST_F(ListenerTest, refuses_anything_that_is_not_a_socket) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(kind_of_listen(), Kind::wrong_type);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("nowhere", path_);
  EXPECT_EQ(kind_of_listen(), Kind::wrong_type);
  EXPECT_TRUE(is_there());
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(kind_of_listen(), Kind::wrong_type);
  EXPECT_EQ(Connection::connect(path_, kStream, Deadline::now()).error().kind, Kind::wrong_type);
}

TEST_F(ListenerTest, refuses_bad_paths) {
  for (const std::string& path : {std::string(), std::string(108, 'p'), std::string("a\0b", 3)}) {
    EXPECT_EQ(Listener::listen(path, kStream).error().kind, Kind::bad_argument);
    EXPECT_EQ(Connection::connect(path, kStream, Deadline::now()).error().kind, Kind::bad_argument);
  }
  EXPECT_EQ(Listener::listen(folder_ + "/none/name", kStream).error().kind, Kind::not_found);
  EXPECT_EQ(Connection::connect(path_, kStream, Deadline::now()).error().kind, Kind::not_found);
}

TEST_F(ListenerTest, works_with_a_name_in_the_current_folder) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  EXPECT_TRUE(Listener::listen("name", kStream).has_value());
  EXPECT_FALSE(is_there());
  std::filesystem::current_path(before);
}

TEST_F(ListenerTest, connect_tells_another_kind_of_socket) {
  const Listener listener = Listener::listen(path_, kStream).value();
  EXPECT_EQ(Connection::connect(path_, SocketKind::seqpacket, Deadline::now()).error().kind,
            Kind::wrong_type);
}

TEST_F(ListenerTest, connect_never_outlives_its_deadline_on_a_full_backlog) {
  const Listener listener = Listener::listen(path_, kStream, {.backlog = 0}).value();
  const Connection first = Connection::connect(path_, kStream, Deadline::now()).value();
  EXPECT_EQ(Connection::connect(path_, kStream, Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(Connection::connect(path_, kStream, soon()).error().kind, Kind::timed_out);
  EXPECT_EQ(Connection::connect(path_, kStream, Deadline::after(std::chrono::milliseconds(0)))
                .error()
                .kind,
            Kind::timed_out);
}

TEST_F(ListenerTest, removes_only_its_own_inode) {
  Listener old = Listener::listen(path_, kStream).value();
  std::filesystem::remove(path_);
  Listener next = Listener::listen(path_, kStream).value();
  old.close();
  EXPECT_TRUE(is_there());
  next = std::move(old);
  EXPECT_FALSE(is_there()) << "assignment ends what was there";
}

TEST_F(ListenerTest, a_moved_listener_keeps_its_name) {
  Listener first = Listener::listen(path_, kStream).value();
  Listener second = std::move(first);
  first.close();
  EXPECT_TRUE(is_there());
  Listener& same = second;
  second = std::move(same);
  EXPECT_TRUE(is_there());
  second.close();
  second.close();
  EXPECT_FALSE(is_there());
}

TEST_F(ListenerTest, only_the_maker_unlinks) {
  Listener listener = Listener::listen(path_, kStream).value();
  const pid_t child = ::fork();
  if (child == 0) {
    listener.close();
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(is_there());
}

TEST_F(ListenerTest, connect_retries_eintr_and_reports_it_on_request) {
  const Listener listener = Listener::listen(path_, kStream).value();
  const auto choices = pipewrench::fault_at(1, 2);
  {
    pipewrench::Faults faults(choices);
    EXPECT_TRUE(Connection::connect(path_, kStream, Deadline::never()).has_value());
    EXPECT_EQ(faults.played().size(), 1u);
  }
  pipewrench::Faults faults(choices);
  const SocketOptions report{.on_signal = OnSignal::report};
  EXPECT_EQ(Connection::connect(path_, kStream, Deadline::never(), report).error().kind,
            Kind::interrupted);
}

TEST_F(ListenerTest, accept_goes_on_after_a_client_that_gave_up) {
  Listener listener = Listener::listen(path_, kStream).value();
  const Connection client = Connection::connect(path_, kStream, Deadline::now()).value();
  const auto choices = pipewrench::fault_at(0, 4);
  pipewrench::Faults faults(choices, pipewrench::Realism::posix);
  EXPECT_TRUE(listener.accept(Deadline::now()).has_value());
  EXPECT_EQ(faults.played().size(), 1u);
}

TEST_F(ListenerTest, survives_every_fault_at_every_call) {
  const VirtualTime time;
  for (const bool is_stale : {false, true})
    for (std::uint8_t choice = 1; choice <= 4; ++choice) {
      bool played = true;
      for (std::uint8_t skip = 0; played; ++skip) {
        const Guard nothing_leaks;
        if (is_stale && !is_there()) leave_stale();
        const auto choices = pipewrench::fault_at(skip, choice);
        pipewrench::Faults faults(choices, pipewrench::Realism::posix);
        auto listener = Listener::listen(path_, kStream);
        if (listener) {
          const auto client = Connection::connect(path_, kStream, soon());
          if (client) (void)listener->accept(soon());
        }
        listener = fail(Kind::stale, 0, "done");  // the end plays faults too
        played = !faults.played().empty();
        EXPECT_TRUE(is_stale || played || !is_there());
      }
    }
}

}  // namespace
}  // namespace ipc
