// start_gate: a starter waits until all runners stand at the gate: each adds one to a semaphore.
// Bug: the starter sets the new semaphore to 0 in a second step, and so takes back what a quick
// runner has added.
// Smallest: one preemption of the starter between semget and SETVAL.
// By hand: gdb, break start_gate start 2 on semctl, start_gate run A, go on.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static const key_t kGate = 0x67617465;
static int gate = -1;
enum { kTries = 50, kTryUs = 100000, kPatienceS = 10 };

static void end(int signal_number) {
  (void)signal_number;
  semctl(gate, 0, IPC_RMID);
  _exit(1);
}

static int wait_for(short runners) {
  struct sembuf take = {.sem_num = 0, .sem_op = (short)-runners, .sem_flg = 0};
  const struct timespec second = {.tv_sec = 1, .tv_nsec = 0};
  for (int i = 0; i < kPatienceS; ++i) {
    if (semtimedop(gate, &take, 1, &second) == 0) return 0;
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return -1;
}

static int start(short runners) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &on_end, NULL);
  gate = semget(kGate, 1, IPC_CREAT | 0600);
  if (gate < 0) {
    perror("start_gate: semget");
    return 1;
  }
#ifndef FIXED  // a new semaphore is 0 on Linux (semget(2))
  semctl(gate, 0, SETVAL, 0);
#endif
  const int missing = wait_for(runners);
  semctl(gate, 0, IPC_RMID);
  if (missing != 0) {
    fprintf(stderr, "start_gate: not all runners have come\n");
    return 1;
  }
  printf("start: all %d are here\n", runners);
  return 0;
}

static int run(const char* name) {
  struct sembuf add = {.sem_num = 0, .sem_op = 1, .sem_flg = 0};
  for (int i = 0; i < kTries && gate < 0; ++i) {
    gate = semget(kGate, 1, 0);
    if (gate < 0) usleep(kTryUs);
  }
  int failed = gate < 0 ? -1 : semop(gate, &add, 1);
  while (failed < 0 && gate >= 0 && errno == EINTR) failed = semop(gate, &add, 1);
  if (failed < 0) {
    fprintf(stderr, "start_gate: %s finds no gate\n", name);
    return 1;
  }
  printf("%s stands at the gate\n", name);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "start") == 0) return start((short)atoi(argv[2]));
  if (argc == 3 && strcmp(argv[1], "run") == 0) return run(argv[2]);
  fprintf(stderr, "usage: start_gate start RUNNERS | run NAME\n");
  return 2;
}
