// A key pad hands PINs to a checker through one field of shared memory; the checker reports each
// to the door and wipes the field, so that no PIN stays in memory.
// Bug: the checker frees the field as soon as it has its copy and wipes it later; a PIN that comes
// in between is wiped unread.
// Smallest deviation: the checker is preempted before it reports (by hand: a breakpoint on its
// write).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPinLength = 8, kPins = 4, kPatienceS = 30 };
enum { kEntered, kFree, kSemaphores };

static const char* const kTyped[kPins] = {"0000", "4711", "1234", "4711"};
static int semaphores = -1;
static char* field;

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
  unsigned short values[kSemaphores] = {[kEntered] = 0, [kFree] = 1};
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
  if (semaphores == -1 || semctl(semaphores, 0, SETALL, values) == -1) die("pin_pad: semaphores");
  const int segment = shmget(IPC_PRIVATE, kPinLength, 0600);
  if (segment == -1) die("pin_pad: shmget");
  field = shmat(segment, NULL, 0);
  shmctl(segment, IPC_RMID, NULL);  // goes with the last process that has it attached
  if (field == (void*)-1) die("pin_pad: shmat");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void change(int which, short by) {
  struct sembuf operation = {(unsigned short)which, by, 0};
  if (TEMP_FAILURE_RETRY(semop(semaphores, &operation, 1)) == -1) die("pin_pad: semop");
}

static void type_pins(void) {
  for (int i = 0; i < kPins; ++i) {
    change(kFree, -1);
    snprintf(field, kPinLength, "%s", kTyped[i]);
    change(kEntered, 1);
  }
}

static void check_pins(int door) {
  char pin[kPinLength];
  for (int i = 0; i < kPins; ++i) {
    change(kEntered, -1);
    memcpy(pin, field, kPinLength);
#ifdef FIXED
    memset(field, 0, kPinLength);
#endif
    change(kFree, 1);
    const char* verdict = strcmp(pin, "4711") == 0 ? "+" : "-";
    if (pin[0] == '\0') verdict = "?";
    if (write(door, verdict, 1) != 1) die("pin_pad: door");
#ifndef FIXED
    memset(field, 0, kPinLength);
#endif
  }
}

int main(void) {
  int door[2];
  int failed = 0;
  char verdict = 0;
  if (pipe(door) == -1) {
    perror("pin_pad: pipe");
    return EXIT_FAILURE;
  }
  make_objects();
  for (int i = 0; i < 2; ++i) {
    const pid_t pid = fork();
    if (pid == -1) die("pin_pad: fork");
    if (pid > 0) continue;
    alarm(kPatienceS);
    close(door[0]);
    if (i == 0) {
      close(door[1]);
      type_pins();
    } else {
      check_pins(door[1]);
    }
    return EXIT_SUCCESS;
  }
  alarm(kPatienceS);
  close(door[1]);
  int reports = 0;
  for (; TEMP_FAILURE_RETRY(read(door[0], &verdict, 1)) == 1; ++reports)
    puts(verdict == '+' ? "open" : verdict == '-' ? "wrong PIN" : "no PIN");
  if (reports < kPins) semctl(semaphores, 0, IPC_RMID);
  for (int i = 0; i < 2; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed |= status != 0;
  }
  semctl(semaphores, 0, IPC_RMID);
  return failed || reports < kPins ? EXIT_FAILURE : EXIT_SUCCESS;
}
