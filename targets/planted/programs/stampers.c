// Two stampers number forms from one counter under a semaphore; if one of them fails, the office
// removes the semaphore, so that the other stops too.
// Bug: a stamper tries again whenever semop fails, as if it had only been interrupted.
// Smallest deviation: one stamper is killed, the other spins on EINVAL (by hand: a breakpoint in
// stamp, then kill -9 it).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kStampers = 2, kForms = 4 };

static int lock = -1;
static int* next_number;

static void give_up(int number) {
  (void)number;
  semctl(lock, 0, IPC_RMID);
  _exit(EXIT_FAILURE);
}

static void make_lock(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  lock = semget(IPC_PRIVATE, 1, 0600);
  if (lock == -1 || semctl(lock, 0, SETVAL, 1) == -1) {
    perror("stampers: semaphore");
    give_up(0);
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void change_lock(short by) {
  struct sembuf operation = {0, by, SEM_UNDO};
  while (semop(lock, &operation, 1) == -1) {
#ifdef FIXED
    if (errno != EINTR) {
      perror("stampers: semop");
      exit(EXIT_FAILURE);
    }
#endif
  }
}

static void stamp(void) {
  change_lock(-1);
  const int number = *next_number;
  *next_number = number + 1;
  change_lock(1);
}

int main(void) {
  int failed = 0;
  next_number =
      mmap(NULL, sizeof *next_number, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (next_number == MAP_FAILED) {
    perror("stampers: mmap");
    return EXIT_FAILURE;
  }
  make_lock();
  for (int i = 0; i < kStampers; ++i) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("stampers: fork");
      give_up(0);
    }
    if (pid == 0) {
      for (int form = 0; form < kForms; ++form) stamp();
      return EXIT_SUCCESS;
    }
  }
  for (int i = 0; i < kStampers; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    if (status == 0) continue;
    failed = 1;
    semctl(lock, 0, IPC_RMID);
  }
  semctl(lock, 0, IPC_RMID);
  printf("%s: %d forms\n", failed ? "stopped" : "done", *next_number);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
