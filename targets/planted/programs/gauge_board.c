// A board shows 64 gauges that a probe fills in shared memory; whoever comes first makes the segment.
// Bug: the probe was built when there were 16 gauges; if it comes first the segment is too small, and
// the board, which takes whatever size is there, reads beyond its end.
// Smallest deviation: the probe runs before the board has made the segment (by hand: strace -f -e
// inject=shmget:delay_enter=200000 on the parent alone).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kGauges = 64, kNameLength = 124 };
#ifdef FIXED
enum { kProbeGauges = kGauges };
#else
enum { kProbeGauges = 16 };
#endif

struct gauge {
  int value;
  char name[kNameLength];
};

static key_t key;
static pid_t probe;

static void remove_segment(void) {
  const int segment = shmget(key, 0, 0);
  if (segment != -1) shmctl(segment, IPC_RMID, NULL);
}

// The probe could make the segment again, so it has to end first.
static void give_up(int number) {
  (void)number;
  if (probe > 0) {
    kill(probe, SIGTERM);
    waitpid(probe, NULL, 0);
  }
  remove_segment();
  _exit(EXIT_FAILURE);
}

static struct gauge* attach(int count) {
  int segment = shmget(key, (size_t)count * sizeof(struct gauge), IPC_CREAT | 0600);
  if (segment == -1 && errno == EINVAL) segment = shmget(key, 0, 0600);
  struct gauge* gauges = segment == -1 ? (void*)-1 : shmat(segment, NULL, 0);
  if (gauges != (void*)-1) return gauges;
  perror("gauge_board: segment");
  return NULL;
}

static int fill_gauges(int ready) {
  struct gauge* gauges = attach(kProbeGauges);
  if (gauges != NULL) {
    for (int i = 0; i < 16; ++i) {
      gauges[i].value = 3 * i;
      snprintf(gauges[i].name, kNameLength, "gauge %d", i);
    }
    if (write(ready, "", 1) == 1) return EXIT_SUCCESS;
  }
  remove_segment();  // the board is gone
  return EXIT_FAILURE;
}

static void show(const struct gauge* gauges) {
  int named = 0;
  int sum = 0;
  for (int i = 0; i < kGauges; ++i) {
    named += gauges[i].name[0] != '\0';
    sum += gauges[i].value;
  }
  printf("%d of %d gauges, sum %d\n", named, kGauges, sum);
}

int main(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  int ready[2];
  int status = 0;
  char byte = 0;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  if (pipe(ready) == -1) {
    perror("gauge_board: pipe");
    return EXIT_FAILURE;
  }
  key = 0x47420000 | (getpid() & 0xffff);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  probe = fork();
  if (probe == -1) {
    perror("gauge_board: fork");
    return EXIT_FAILURE;
  }
  if (probe == 0) {
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    close(ready[0]);
    return fill_gauges(ready[1]);
  }
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
  close(ready[1]);
  const struct gauge* gauges = attach(kGauges);
  if (gauges == NULL) give_up(0);
  const int is_ready = TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)) == 1;
  sigprocmask(SIG_BLOCK, &stop, NULL);  // the probe has nothing more to wait for
  waitpid(probe, &status, 0);
  remove_segment();
  if (!is_ready || status != 0) {
    fputs("gauge_board: the probe failed\n", stderr);
    return EXIT_FAILURE;
  }
  show(gauges);
  return EXIT_SUCCESS;
}
