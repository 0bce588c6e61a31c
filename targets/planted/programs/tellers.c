// Two tellers move money between two accounts in shared memory; a semaphore guards each account.
// Bug: a transfer locks its source first, then its target, so opposite transfers can each hold
// what the other waits for.
// Smallest deviation: the first teller is preempted between its two locks (by hand: a breakpoint
// on the second semop while the other teller runs).
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

enum { kAccounts = 2, kTransfers = 3, kStart = 100 };

static int locks = -1;
static long* balance;

static void give_up(int number) {
  (void)number;
  semctl(locks, 0, IPC_RMID);
  _exit(EXIT_FAILURE);
}

static void make_locks(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  unsigned short free_locks[kAccounts] = {1, 1};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  locks = semget(IPC_PRIVATE, kAccounts, 0600);
  if (locks == -1 || semctl(locks, 0, SETALL, free_locks) == -1) {
    perror("tellers: semaphores");
    give_up(0);
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

// SEM_UNDO: a teller that dies lets go of its accounts.
static void change_lock(int account, short by) {
  struct sembuf operation = {(unsigned short)account, by, SEM_UNDO};
  if (TEMP_FAILURE_RETRY(semop(locks, &operation, 1)) == -1) {
    perror("tellers: semop");
    exit(EXIT_FAILURE);
  }
}

static void transfer(int source, int target, long amount) {
#ifdef FIXED
  const int first = source < target ? source : target;
  const int second = source < target ? target : source;
#else
  const int first = source;
  const int second = target;
#endif
  change_lock(first, -1);
  change_lock(second, -1);
  balance[source] -= amount;
  balance[target] += amount;
  change_lock(second, 1);
  change_lock(first, 1);
}

int main(void) {
  int failed = 0;
  balance = mmap(NULL, kAccounts * sizeof *balance, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (balance == MAP_FAILED) {
    perror("tellers: mmap");
    return EXIT_FAILURE;
  }
  for (int i = 0; i < kAccounts; ++i) balance[i] = kStart;
  make_locks();
  for (int teller = 0; teller < 2; ++teller) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("tellers: fork");
      give_up(0);
    }
    if (pid == 0) {
      for (int i = 0; i < kTransfers; ++i) transfer(teller, 1 - teller, 10 + teller);
      return EXIT_SUCCESS;
    }
  }
  for (int teller = 0; teller < 2; ++teller) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed |= status != 0;
  }
  semctl(locks, 0, IPC_RMID);
  if (failed) {
    fputs("tellers: a teller failed\n", stderr);
    return EXIT_FAILURE;
  }
  printf("%ld and %ld\n", balance[0], balance[1]);
  return EXIT_SUCCESS;
}
