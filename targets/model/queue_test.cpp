// The model against the kernel, over the rows of the errno checklist that the model covers. Each
// row drives both and compares the result and errno; its name is the checklist's condition.
// SPDX-License-Identifier: MIT
#include "targets/model/queue.h"

#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <random>
#include <vector>

namespace model {
namespace {

constexpr int kCopy = 040000;  // MSG_COPY
constexpr long kRoom = 16384;

struct Buffer {
  long type;
  char text[kRoom];
};

// One queue of the kernel and its twin: every call goes to both and must agree.
class Both {
 public:
  Both() : id_(::msgget(IPC_PRIVATE, IPC_CREAT | 0600)) {}
  ~Both() { ::msgctl(id_, IPC_RMID, nullptr); }
  Both(const Both&) = delete;

  // The errno of both, 0 for success. By syscall(): ASan's wrappers refuse negative sizes.
  int send(long type, long size) {
    const std::string text(static_cast<std::size_t>(std::max(size, 0L)), 'x');
    buffer_.type = type;
    std::copy_n(text.begin(), std::min<std::size_t>(text.size(), kRoom), buffer_.text);
    const long result = ::syscall(SYS_msgsnd, id_, &buffer_, size, IPC_NOWAIT);
    const int error = result < 0 ? errno : 0;
    EXPECT_EQ(model_.send(type, text, size), (Outcome{result, error}));
    return error;
  }

  // The type received, or minus the errno.
  long receive(long size, long msgtyp, int flags = 0) {
    const long result = ::syscall(SYS_msgrcv, id_, &buffer_, size, msgtyp, flags | IPC_NOWAIT);
    const int error = result < 0 ? errno : 0;
    Queue::Stored stored{};
    EXPECT_EQ(model_.receive(size, msgtyp, flags | IPC_NOWAIT, &stored), (Outcome{result, error}));
    if (result < 0) return -error;
    EXPECT_EQ(stored.type, buffer_.type);
    EXPECT_EQ(stored.text, std::string(buffer_.text, static_cast<std::size_t>(result)));
    return buffer_.type;
  }

  void capacity(std::size_t bytes) {
    msqid_ds status{};
    ASSERT_EQ(::msgctl(id_, IPC_STAT, &status), 0);
    status.msg_qbytes = bytes;
    ASSERT_EQ(::msgctl(id_, IPC_SET, &status), 0);
    model_.set_capacity(bytes);
  }

  void remove() {
    ASSERT_EQ(::msgctl(id_, IPC_RMID, nullptr), 0);
    model_.remove();
  }

  void compare_status() {
    msqid_ds status{};
    const bool exists = ::msgctl(id_, IPC_STAT, &status) == 0;
    ASSERT_EQ(exists, !model_.is_removed());
    if (!exists) return;
    EXPECT_EQ(status.msg_qnum, model_.messages());
    EXPECT_EQ(status.__msg_cbytes, model_.bytes());
    EXPECT_EQ(status.msg_qbytes, model_.capacity());
  }

 private:
  int id_;
  Queue model_;
  Buffer buffer_{};
};

TEST(QueueModel, msgsnd_mtype_0_and_negative) {
  Both both;
  for (const long type : {0L, -1L, LONG_MIN}) EXPECT_EQ(both.send(type, 1), EINVAL);
  EXPECT_EQ(both.send(LONG_MAX, 1), 0);
}

TEST(QueueModel, msgsnd_msgsz_limits) {
  Both both;
  EXPECT_EQ(both.send(1, 8193), EINVAL);  // above MSGMAX: not E2BIG
  EXPECT_EQ(both.send(1, 8192), 0);
  EXPECT_EQ(both.send(1, -1), EINVAL);
  EXPECT_EQ(both.send(1, 0), 0);
  both.compare_status();
}

TEST(QueueModel, msgsnd_queue_full_by_bytes) {
  Both both;
  EXPECT_EQ(both.send(1, 8192), 0);
  EXPECT_EQ(both.send(1, 8192), 0);
  EXPECT_EQ(both.send(1, 1), EAGAIN);
  EXPECT_EQ(both.send(1, 0), 0);
  both.compare_status();
}

TEST(QueueModel, msgsnd_queue_full_by_number_of_messages) {
  Both both;
  both.capacity(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(both.send(1, 0), 0);
  EXPECT_EQ(both.send(1, 0), EAGAIN);
}

TEST(QueueModel, msgsnd_default_number_of_empty_messages) {
  Both both;
  for (int i = 0; i < 16384; ++i) ASSERT_EQ(both.send(1, 0), 0);
  EXPECT_EQ(both.send(1, 0), EAGAIN);
}

TEST(QueueModel, removed_queue_answers_einval_not_eidrm) {
  Both both;
  both.remove();
  EXPECT_EQ(both.send(1, 1), EINVAL);
  EXPECT_EQ(both.receive(8, 0), -EINVAL);
  EXPECT_EQ(both.receive(8, 0, kCopy), -EINVAL);
  both.compare_status();
}

TEST(QueueModel, msgrcv_msgtyp_rules) {
  Both both;
  for (const long type : {5, 2, 3, 2}) EXPECT_EQ(both.send(type, type), 0);
  EXPECT_EQ(both.receive(100, 3), 3);
  EXPECT_EQ(both.receive(100, -4), 2);
  EXPECT_EQ(both.receive(100, -1), -ENOMSG);
  EXPECT_EQ(both.receive(100, 5, MSG_EXCEPT), 2);
  EXPECT_EQ(both.receive(100, 5, MSG_EXCEPT), -ENOMSG);
  EXPECT_EQ(both.receive(100, 0), 5);
}

TEST(QueueModel, msgrcv_two_messages_of_the_lowest_type) {
  Both both;
  EXPECT_EQ(both.send(4, 4), 0);
  EXPECT_EQ(both.send(4, 2), 0);
  EXPECT_EQ(both.receive(2, -9), -E2BIG);  // the earlier one, which is longer
  EXPECT_EQ(both.receive(4, -9), 4);
}

TEST(QueueModel, msgrcv_msgtyp_long_min_counts_as_long_max) {
  Both both;
  EXPECT_EQ(both.send(LONG_MAX, 1), 0);
  EXPECT_EQ(both.receive(8, LONG_MIN), LONG_MAX);
  EXPECT_EQ(both.send(LONG_MAX, 1), 0);
  EXPECT_EQ(both.receive(8, -LONG_MAX), LONG_MAX);
}

TEST(QueueModel, msgrcv_text_longer_than_msgsz) {
  Both both;
  EXPECT_EQ(both.send(1, 10), 0);
  EXPECT_EQ(both.receive(9, 0), -E2BIG);
  both.compare_status();
  EXPECT_EQ(both.receive(9, 0, MSG_NOERROR), 1);
  EXPECT_EQ(both.receive(-1, 0), -EINVAL);
  both.compare_status();
}

TEST(QueueModel, msgrcv_msg_copy) {
  Both both;
  EXPECT_EQ(both.send(3, 5), 0);
  EXPECT_EQ(both.send(1, 2), 0);
  EXPECT_EQ(both.receive(100, 1, kCopy), 1);
  EXPECT_EQ(both.receive(100, 2, kCopy), -ENOMSG);
  EXPECT_EQ(both.receive(100, -1, kCopy), -ENOMSG);
  EXPECT_EQ(both.receive(4, 0, kCopy), -E2BIG);
  EXPECT_EQ(both.receive(4, 0, kCopy | MSG_NOERROR), -EINVAL);
  EXPECT_EQ(both.receive(100, 0, kCopy | MSG_EXCEPT), -EINVAL);
  both.compare_status();
}

TEST(QueueModel, msgrcv_msg_copy_needs_ipc_nowait) {
  Queue queue;
  Queue::Stored stored{};
  EXPECT_EQ(queue.receive(8, 0, kCopy, &stored), (Outcome{-1, EINVAL}));
  const int id = ::msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  Buffer buffer{};
  EXPECT_EQ(::msgrcv(id, &buffer, 8, 0, kCopy), -1);
  EXPECT_EQ(errno, EINVAL);
  ::msgctl(id, IPC_RMID, nullptr);
}

TEST(QueueModel, msgctl_capacity_below_content_blocks_until_drained) {
  Both both;
  EXPECT_EQ(both.send(1, 8), 0);
  both.capacity(4);
  EXPECT_EQ(both.send(1, 0), EAGAIN);
  EXPECT_EQ(both.receive(8, 0), 1);
  EXPECT_EQ(both.send(1, 4), 0);
  both.compare_status();
}

TEST(QueueModel, ten_thousand_random_operations_agree) {
  Both both;
  std::minstd_rand random(1);
  constexpr std::array<long, 9> kTypes = {1, 2, 3, 0, -1, -2, -3, LONG_MIN, LONG_MAX};
  constexpr std::array kFlags = {
      0, MSG_NOERROR, MSG_EXCEPT, kCopy, MSG_NOERROR | MSG_EXCEPT, kCopy | MSG_NOERROR};
  for (int i = 0; i < 10'000; ++i) {
    const long type = kTypes[random() % kTypes.size()];
    const long size = static_cast<long>(random() % 5) - 1;
    if (random() % 2 == 0)
      both.send(type, size);
    else
      both.receive(size, type, kFlags[random() % kFlags.size()]);
    if (HasFailure()) FAIL() << "operation " << i;
  }
  both.compare_status();
}

}  // namespace
}  // namespace model
