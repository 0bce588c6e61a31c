// Three stations report their state to a board through one text field of shared memory; the board
// prints all states in the order of the stations.
// Bug: a station copies its text without the terminating zero; after a longer text the field still
// ends with the rest of that.
// Smallest deviation: the third station reports before the second (by hand: a breakpoint in
// report).
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

enum { kStations = 3, kTextLength = 32, kPatienceS = 30 };
enum { kReported, kFree, kSemaphores };

struct field {
  int station;
  char text[kTextLength];
};

static const char* const kStates[kStations] = {"up", "standby", "overheating"};
static int semaphores = -1;
static struct field* field;

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
  unsigned short values[kSemaphores] = {[kReported] = 0, [kFree] = 1};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  semaphores = semget(IPC_PRIVATE, kSemaphores, 0600);
  if (semaphores == -1 || semctl(semaphores, 0, SETALL, values) == -1)
    die("status_board: semaphores");
  const int segment = shmget(IPC_PRIVATE, sizeof *field, 0600);
  if (segment == -1) die("status_board: shmget");
  field = shmat(segment, NULL, 0);
  shmctl(segment, IPC_RMID, NULL);  // goes with the last process that has it attached
  if (field == (void*)-1) die("status_board: shmat");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void change(int which, short by) {
  struct sembuf operation = {(unsigned short)which, by, 0};
  if (TEMP_FAILURE_RETRY(semop(semaphores, &operation, 1)) == -1) die("status_board: semop");
}

static void report(int station) {
  const char* state = kStates[station];
  change(kFree, -1);
  field->station = station;
#ifdef FIXED
  memcpy(field->text, state, strlen(state) + 1);
#else
  memcpy(field->text, state, strlen(state));
#endif
  change(kReported, 1);
}

int main(void) {
  char states[kStations][kTextLength] = {0};
  int failed = 0;
  make_objects();
  for (int station = 0; station < kStations; ++station) {
    const pid_t pid = fork();
    if (pid == -1) die("status_board: fork");
    if (pid > 0) continue;
    alarm(kPatienceS);
    report(station);
    return EXIT_SUCCESS;
  }
  alarm(kPatienceS);  // a station that died does not report
  for (int i = 0; i < kStations; ++i) {
    change(kReported, -1);
    snprintf(states[field->station], kTextLength, "%s", field->text);
    change(kFree, 1);
  }
  for (int station = 0; station < kStations; ++station) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed |= status != 0;
  }
  semctl(semaphores, 0, IPC_RMID);
  for (int station = 0; station < kStations; ++station)
    printf("station %d: %s\n", station, states[station]);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
