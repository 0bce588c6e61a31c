// seat_sale: two counters sell seats out of one number in shared memory, under a semaphore.
// Bug: the result of semop() is not looked at; interrupted (a handler, or SIGSTOP and SIGCONT) it
// has not taken the lock, and a sale of the other counter is forgotten.
// Smallest: one EINTR of the semop that waits while the other counter is inside.
// By hand: SIGSTOP and SIGCONT the second child while the first one sleeps inside.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kCounters = 2, kSales = 2, kSeats = 100, kSaleUs = 10000 };

static int lock_id = -1;

static void end(int signal_number) {
  (void)signal_number;
  semctl(lock_id, 0, IPC_RMID);
  _exit(1);
}

static void lock(void) {
  struct sembuf take = {.sem_num = 0, .sem_op = -1, .sem_flg = SEM_UNDO};
#ifdef FIXED
  while (semop(lock_id, &take, 1) < 0)
    if (errno != EINTR) exit(1);
#else
  semop(lock_id, &take, 1);
#endif
}

static void unlock(void) {
  struct sembuf give = {.sem_num = 0, .sem_op = 1, .sem_flg = SEM_UNDO};
  while (semop(lock_id, &give, 1) < 0)
    if (errno != EINTR) exit(1);
}

static void sell(volatile int* seats) {
  for (int i = 0; i < kSales; ++i) {
    lock();
    const int left = *seats;
    usleep(kSaleUs);  // the ticket is printed
    *seats = left - 1;
    unlock();
  }
  exit(0);
}

static int open_counters(volatile int* seats) {
  pid_t counters[kCounters];
  int failed = 0;
  for (int i = 0; i < kCounters; ++i) {
    counters[i] = fork();
    if (counters[i] == 0) {
      signal(SIGTERM, SIG_DFL);
      sell(seats);
    }
  }
  for (int i = 0; i < kCounters; ++i) {
    int status = 1;
    if (counters[i] > 0)
      while (waitpid(counters[i], &status, 0) < 0 && errno == EINTR) continue;
    failed += status != 0;
  }
  return failed;
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  const int segment = shmget(IPC_PRIVATE, sizeof(int), IPC_CREAT | 0600);
  volatile int* seats = segment < 0 ? (void*)-1 : shmat(segment, NULL, 0);
  shmctl(segment, IPC_RMID, NULL);  // goes with the last process that is attached
  if (seats == (void*)-1) {
    perror("seat_sale: segment");
    return 1;
  }
  *seats = kSeats;
  sigaction(SIGTERM, &on_end, NULL);
  lock_id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  int failed = kCounters;
  if (lock_id >= 0 && semctl(lock_id, 0, SETVAL, 1) == 0) failed = open_counters(seats);
  semctl(lock_id, 0, IPC_RMID);
  if (failed > 0) {
    fprintf(stderr, "seat_sale: %d counters failed\n", failed);
    return 1;
  }
  printf("%d seats left\n", *seats);
  return 0;
}
