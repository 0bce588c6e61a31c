// thumb_pool: two threads make thumbnails, each from its own pipe of requests; main waits for both.
// Bug: the condition variable is waited for without a condition: a notification before the wait is
// lost.
// Smallest: one preemption of main before its second request.
// By hand: gdb, set scheduler-locking on, let a thread notify before main waits.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace {

constexpr int kThreads = 2;
constexpr int kPixels = 600'000;

struct Pool {
  std::mutex mutex;
  std::condition_variable finished;
  int done = 0;
  std::array<unsigned, kThreads> thumbs{};
};

unsigned shrink(int picture, int pixels) {
  unsigned sum = 0;
  for (int i = 0; i < pixels; ++i) sum = sum * 31 + static_cast<unsigned>(picture ^ i);
  return sum;
}

void work(Pool& pool, int number, int requests) {
  int picture = 0;
  while (read(requests, &picture, sizeof picture) == static_cast<ssize_t>(sizeof picture)) {
    const unsigned thumb =
        shrink(picture, kPixels << (2 * number));  // the second one is a panorama
    const std::lock_guard lock(pool.mutex);
    pool.thumbs[number] = thumb;
    ++pool.done;
    pool.finished.notify_one();
  }
  close(requests);
}

void wait_for_all(Pool& pool) {
  std::unique_lock lock(pool.mutex);
#ifdef FIXED
  pool.finished.wait(lock, [&] { return pool.done == kThreads; });
#else
  for (int i = 0; i < kThreads; ++i) pool.finished.wait(lock);
#endif
}

}  // namespace

int main() {
  Pool pool;
  std::array<int, kThreads> requests{};
  std::array<std::thread, kThreads> threads;

  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kThreads; ++i) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
      std::perror("thumb_pool: pipe");
      std::_Exit(1);
    }
    requests[i] = ends[1];
    threads[i] = std::thread([&pool, i, in = ends[0]] { work(pool, i, in); });
  }
  for (int i = 0; i < kThreads; ++i) {
    const int picture = 100 + i;
    if (write(requests[i], &picture, sizeof picture) < 0) std::perror("thumb_pool: write");
  }
  wait_for_all(pool);
  for (int i = 0; i < kThreads; ++i) {
    close(requests[i]);
    threads[i].join();
    std::printf("thumbnail %d: %u\n", i, pool.thumbs[i]);
  }
  return 0;
}
