// ticket_clerk: clerks draw numbers from one file, under a semaphore that stays for the next run.
// Bug: a clerk of an earlier run died with the semaphore taken; everybody after him waits for ever.
// Smallest: no deviation, the lock of a dead owner is enough.
// By hand: a set of key 0x74636b74 with value 0 (ipcmk makes another key: semget in a debugger).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <unistd.h>

static const key_t kCounter = 0x74636b74;
enum { kTries = 20, kTryUs = 50000 };

union semun {
  int val;
  struct semid_ds* buf;
};

static int change(int lock, short by) {
  struct sembuf one = {.sem_num = 0, .sem_op = by, .sem_flg = SEM_UNDO};
  int failed = semop(lock, &one, 1);
  while (failed < 0 && errno == EINTR) failed = semop(lock, &one, 1);
  return failed;
}

#ifdef FIXED
// Taken, and by nobody who lives. A set that was never operated on is being made (semctl(2)).
static int is_of_the_dead(int lock) {
  struct semid_ds info;
  union semun argument = {.buf = &info};
  if (semctl(lock, 0, IPC_STAT, argument) != 0 || info.sem_otime == 0) return 0;
  if (semctl(lock, 0, GETVAL) != 0) return 0;
  const int owner = semctl(lock, 0, GETPID);
  return owner == 0 || (owner > 0 && kill(owner, 0) != 0 && errno == ESRCH);
}
#endif

static int find_lock(void) {
  for (int i = 0; i < kTries; ++i) {
    int lock = semget(kCounter, 1, IPC_CREAT | IPC_EXCL | 0600);
    if (lock >= 0) {
      struct sembuf open_it = {.sem_num = 0, .sem_op = 1, .sem_flg = 0};
      semop(lock, &open_it, 1);
      return lock;
    }
    lock = semget(kCounter, 1, 0);
    struct semid_ds info;
    union semun argument = {.buf = &info};
    if (lock < 0 || semctl(lock, 0, IPC_STAT, argument) != 0) continue;
#ifdef FIXED
    // By id: whoever made a new one under the key keeps it.
    if (is_of_the_dead(lock)) {
      semctl(lock, 0, IPC_RMID);
      continue;
    }
#endif
    if (info.sem_otime != 0) return lock;
    usleep(kTryUs);
  }
  return -1;
}

static int draw(void) {
  char text[16] = "";
  const int file = open("last_ticket", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return -1;
  if (read(file, text, sizeof text - 1) < 0) text[0] = 0;
  const int number = atoi(text) + 1;
  const int size = snprintf(text, sizeof text, "%d\n", number);
  const int written = (int)pwrite(file, text, (size_t)size, 0);
  close(file);
  return written == size ? number : -1;
}

int main(void) {
  int lock = find_lock();
  // EIDRM: somebody has cleared it away while we waited.
  while (lock >= 0 && change(lock, -1) != 0)
    lock = errno == EIDRM || errno == EINVAL ? find_lock() : -1;
  if (lock < 0) {
    fprintf(stderr, "ticket_clerk: no lock to be had\n");
    return 1;
  }
  const int number = draw();
  change(lock, 1);
  if (number < 0) return 1;
  printf("a ticket was drawn\n");
  return 0;
}
