// SPDX-License-Identifier: MIT
#include "targets/ipc/wait.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <vector>

#include "harness/inproc/faults.h"
#include "harness/inproc/virtual_time.h"
#include "targets/ipc/fd.h"

namespace ipc {
namespace {

using namespace std::chrono_literals;
using pipewrench::Faults;
using pipewrench::VirtualTime;

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
  void write() { EXPECT_EQ(::write(writer.get(), "x", 1), 1); }
  Fd reader, writer;
};

TEST(Wait, names_the_first_that_is_ready) {
  Pair first, second;
  second.write();
  EXPECT_EQ(*wait_readable({first.reader.get(), second.reader.get()}, Deadline::never()), 1u);
  first.write();
  EXPECT_EQ(*wait_readable({first.reader.get(), second.reader.get()}, Deadline::now()), 0u);
}

TEST(Wait, an_end_is_ready) {
  Pair pair;
  pair.writer.close();
  EXPECT_EQ(*wait_readable({pair.reader.get()}, Deadline::never()), 0u);
}

TEST(Wait, now_is_would_block_and_a_deadline_is_timed_out) {
  const VirtualTime time;
  Pair pair;
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::after(3600s)).error().kind,
            Kind::timed_out);
  EXPECT_EQ(VirtualTime::elapsed_ns(), 3'600'000'000'000);
}

TEST(Wait, waits_on_where_a_deadline_is_longer_than_poll_can_wait) {
  const VirtualTime time;
  Pair pair;
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::after(24h * 40)).error().kind,
            Kind::timed_out);
  EXPECT_GE(VirtualTime::elapsed_ns(), std::chrono::nanoseconds(24h * 40).count());
}

TEST(Wait, retries_eintr_with_the_time_that_is_left) {
  const VirtualTime time;
  Pair pair;
  const auto choices = pipewrench::fault_at(0, 2);  // EINTR
  const Faults faults(choices);
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::after(5ms)).error().kind, Kind::timed_out);
  EXPECT_EQ(faults.played().size(), 1u);
  EXPECT_EQ(VirtualTime::elapsed_ns(), 5'000'000);
}

TEST(Wait, now_is_would_block_also_where_a_signal_comes) {
  Pair pair;
  const auto choices = pipewrench::fault_at(0, 2);  // EINTR
  const Faults faults(choices);
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::now()).error().kind, Kind::would_block);
  EXPECT_EQ(faults.played().size(), 1u);
}

TEST(Wait, tells_other_failures) {
  Pair pair;
  const auto choices = pipewrench::fault_at(0, 1);  // ENOMEM
  const Faults faults(choices);
  EXPECT_EQ(wait_readable({pair.reader.get()}, Deadline::never()).error().kind, Kind::no_space);
}

TEST(Wait, refuses_a_closed_descriptor_and_names_it) {
  const auto closed = wait_readable({1000}, Deadline::never());
  EXPECT_EQ(closed.error().kind, Kind::bad_argument);
  EXPECT_EQ(closed.error().arguments[0].value, 1000);
}

TEST(Wait, skips_negative_descriptors) {
  Pair pair;
  pair.write();
  EXPECT_EQ(*wait_readable({-1, pair.reader.get()}, Deadline::never()), 1u);
}

TEST(Wait, refuses_more_than_its_limit) {
  std::vector<pollfd> entries(kMostWaited + 1, pollfd{.fd = -1, .events = 0, .revents = 0});
  EXPECT_EQ(wait_any(entries, Deadline::now()).error().kind, Kind::bad_argument);
  EXPECT_EQ(wait_readable({-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                           -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                           -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                           -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
                          Deadline::now())
                .error()
                .kind,
            Kind::bad_argument);
}

}  // namespace
}  // namespace ipc
