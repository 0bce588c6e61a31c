// Two workers share out numbered chunks through a counter in shared memory; the one who leaves
// last removes the segment.
// Bug: "am I the last?" and leaving are two calls; workers that leave together each see the other
// and nobody removes it.
// Smallest deviation: one worker is preempted between IPC_STAT and shmdt (by hand: strace -f -e
// inject=shmdt:delay_enter=200000, then ipcs -m).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWorkers = 2, kChunks = 6 };

static int segment = -1;
static int* next_chunk;

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static void make_segment(void) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  segment = shmget(IPC_PRIVATE, sizeof *next_chunk, 0600);
  if (segment == -1) die("last_out: shmget");
  next_chunk = shmat(segment, NULL, 0);
#ifdef FIXED
  shmctl(segment, IPC_RMID, NULL);  // the kernel removes it when the last one leaves
#endif
  if (next_chunk == (void*)-1) die("last_out: shmat");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void leave(void) {
#ifndef FIXED
  struct shmid_ds state;
  if (shmctl(segment, IPC_STAT, &state) == -1) die("last_out: shmctl");
  if (state.shm_nattch == 1) shmctl(segment, IPC_RMID, NULL);
#endif
  shmdt(next_chunk);
}

// The sum of the chunks that this worker got.
static int work(void) {
  int sum = 0;
  for (;;) {
    const int chunk = __atomic_fetch_add(next_chunk, 1, __ATOMIC_SEQ_CST);
    if (chunk >= kChunks) return sum;
    sum += chunk * chunk;
  }
}

int main(void) {
  int results[2];
  int total = 0;
  int count = 0;
  int sum = 0;
  signal(SIGPIPE, SIG_IGN);
  if (pipe(results) == -1) die("last_out: pipe");
  make_segment();
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t pid = fork();
    if (pid == -1) die("last_out: fork");
    if (pid == 0) {
      close(results[0]);
      sum = work();
      leave();
      return write(results[1], &sum, sizeof sum) == (ssize_t)sizeof sum ? EXIT_SUCCESS
                                                                        : EXIT_FAILURE;
    }
  }
  shmdt(next_chunk);
  close(results[1]);
  for (; read(results[0], &sum, sizeof sum) == (ssize_t)sizeof sum; ++count) total += sum;
  while (wait(NULL) > 0) continue;
  if (count < kWorkers) {
    fputs("last_out: a worker failed\n", stderr);
    return EXIT_FAILURE;
  }
  printf("total %d\n", total);
  return EXIT_SUCCESS;
}
