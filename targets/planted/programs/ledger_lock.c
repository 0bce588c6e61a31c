// ledger_lock: two tellers book into one ledger in shared memory, under a semaphore.
// Bug: the semaphore is taken without SEM_UNDO, so a teller's death inside leaves it locked for
// ever.
// Smallest: one teller is killed between its two semaphore operations.
// By hand: kill -9 one child while it sleeps inside (gdb, or a longer kBookingUs).
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

enum { kTellers = 2, kBookings = 2, kAmount = 100, kBookingUs = 1000 };

struct Ledger {
  long balance;
};

static int lock_id = -1;

static void end(int signal_number) {
  (void)signal_number;
  semctl(lock_id, 0, IPC_RMID);
  _exit(1);
}

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void change(short by) {
#ifdef FIXED
  struct sembuf operation = {.sem_num = 0, .sem_op = by, .sem_flg = SEM_UNDO};
#else
  struct sembuf operation = {.sem_num = 0, .sem_op = by, .sem_flg = 0};
#endif
  while (semop(lock_id, &operation, 1) < 0)
    if (errno != EINTR) die("teller: lock");
}

static void book(struct Ledger* ledger) {
  for (int i = 0; i < kBookings; ++i) {
    change(-1);
    const long balance = ledger->balance;
    usleep(kBookingUs);  // the receipt is printed
    ledger->balance = balance + kAmount;
    change(1);
  }
}

static struct Ledger* open_ledger(void) {
  const int id = shmget(IPC_PRIVATE, sizeof(struct Ledger), IPC_CREAT | 0600);
  if (id < 0) die("ledger_lock: shmget");
  struct Ledger* ledger = shmat(id, NULL, 0);
  shmctl(id, IPC_RMID, NULL);  // goes with the last process that is attached
  if (ledger == (void*)-1) die("ledger_lock: shmat");
  return ledger;
}

static int tell(struct Ledger* ledger) {
  pid_t tellers[kTellers];
  int failed = 0;
  for (int i = 0; i < kTellers; ++i) {
    tellers[i] = fork();
    if (tellers[i] == 0) {
      signal(SIGTERM, SIG_DFL);
      book(ledger);
      exit(0);
    }
  }
  for (int i = 0; i < kTellers; ++i) {
    int status = 1;
    if (tellers[i] > 0)
      while (waitpid(tellers[i], &status, 0) < 0 && errno == EINTR) continue;
    failed += status != 0;
  }
  return failed;
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct Ledger* ledger = open_ledger();

  sigaction(SIGTERM, &on_end, NULL);
  lock_id = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  if (lock_id < 0) die("ledger_lock: semget");
  int failed = kTellers;
  if (semctl(lock_id, 0, SETVAL, 1) == 0) failed = tell(ledger);
  semctl(lock_id, 0, IPC_RMID);
  if (failed > 0) {
    fprintf(stderr, "ledger_lock: %d tellers failed\n", failed);
    return 1;
  }
  printf("balance %ld\n", ledger->balance);
  return 0;
}
