// A producer puts records into two slots of shared memory; two relays write them to a pipe,
// straight from the slot; the log keeper prints them by number.
// Bug: a relay gives the credit back before it writes, so that the producer fills the other slot
// meanwhile; with a second relay the one after that comes round to the slot still being written.
// Smallest deviation: the first relay is preempted before its write and the second one runs.
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

enum { kSlots = 2, kRelays = 2, kRecords = 5, kTextLength = 28, kPatienceS = 30 };
enum { kFull, kCredit, kSemaphores };

struct record {
  int number;  // -1: no more
  char text[kTextLength];
};

struct ring {
  int next_out;
  struct record slots[kSlots];
};

static int semaphores = -1;
static struct ring* ring;

static void give_up(int number) {
  (void)number;
  semctl(semaphores, 0, IPC_RMID);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_objects(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  unsigned short values[kSemaphores] = {[kFull] = 0, [kCredit] = 1};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  semaphores = semget(IPC_PRIVATE, kSemaphores, 0600);
  if (semaphores == -1 || semctl(semaphores, 0, SETALL, values) == -1)
    die("relay_ring: semaphores");
  const int segment = shmget(IPC_PRIVATE, sizeof *ring, 0600);
  if (segment == -1) die("relay_ring: shmget");
  ring = shmat(segment, NULL, 0);
  shmctl(segment, IPC_RMID, NULL);  // goes with the last process that has it attached
  if (ring == (void*)-1) die("relay_ring: shmat");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void change(int which, short by) {
  struct sembuf operation = {(unsigned short)which, by, 0};
  if (TEMP_FAILURE_RETRY(semop(semaphores, &operation, 1)) == -1) die("relay_ring: semop");
}

static void produce(void) {
  for (int i = 0; i < kRecords + kRelays; ++i) {
    change(kCredit, -1);
    struct record* record = &ring->slots[i % kSlots];
    record->number = i < kRecords ? i : -1;
    snprintf(record->text, sizeof record->text, "entry %d", i);
    change(kFull, 1);
  }
}

static void relay(int log) {
  for (;;) {
    change(kFull, -1);
    const struct record* record = &ring->slots[ring->next_out++ % kSlots];
    const int is_last = record->number == -1;
#ifndef FIXED
    change(kCredit, 1);
#endif
    if (!is_last && write(log, record, sizeof *record) != (ssize_t)sizeof *record)
      die("relay_ring: write");
#ifdef FIXED
    change(kCredit, 1);
#endif
    if (is_last) return;
  }
}

static int keep_log(int log) {
  struct record records[kRecords];
  struct record record;
  int seen[kRecords] = {0};
  int lost = 0;
  while (TEMP_FAILURE_RETRY(read(log, &record, sizeof record)) == (ssize_t)sizeof record) {
    if (record.number < 0 || record.number >= kRecords) continue;
    records[record.number] = record;
    ++seen[record.number];
  }
  for (int i = 0; i < kRecords; ++i) {
    if (seen[i] != 1) ++lost;
    printf("%d: %.*s\n", i, kTextLength, seen[i] > 0 ? records[i].text : "lost");
  }
  return lost;
}

int main(void) {
  int log[2];
  int failed = 0;
  if (pipe(log) == -1) {
    perror("relay_ring: pipe");
    return EXIT_FAILURE;
  }
  make_objects();
  for (int i = 0; i < 1 + kRelays; ++i) {
    const pid_t pid = fork();
    if (pid == -1) die("relay_ring: fork");
    if (pid > 0) continue;
    alarm(kPatienceS);
    close(log[0]);
    if (i > 0) {
      relay(log[1]);
    } else {
      close(log[1]);
      produce();
    }
    return EXIT_SUCCESS;
  }
  alarm(kPatienceS);
  close(log[1]);
  if (keep_log(log[0]) > 0) failed = 1;
  if (failed) semctl(semaphores, 0, IPC_RMID);  // whoever still waits for a record stops
  for (int i = 0; i < 1 + kRelays; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed |= status != 0;
  }
  semctl(semaphores, 0, IPC_RMID);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
