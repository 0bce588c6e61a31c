// A parent waits until its child says that it is ready, then signals it; the child answers with
// the number that it finds in shared memory.
// Bug: the child says so before it blocks SIGUSR1 to wait for it; a signal that comes in between
// kills it.
// Smallest deviation: the child is preempted just after it has said that it is ready (by hand:
// strace -f -e inject=shmat:delay_enter=200000).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kNumber = 4711, kPatienceS = 10 };

static int segment = -1;

static void give_up(int number) {
  (void)number;
  shmctl(segment, IPC_RMID, NULL);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_segment(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  segment = shmget(IPC_PRIVATE, sizeof(int), 0600);
  if (segment == -1) die("ready_ping: shmget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void block_ping(sigset_t* ping) {
  sigemptyset(ping);
  sigaddset(ping, SIGUSR1);
  sigprocmask(SIG_BLOCK, ping, NULL);
}

static int answer(int ready, int result) {
  sigset_t ping;
  alarm(kPatienceS);
#ifdef FIXED
  block_ping(&ping);
#endif
  if (write(ready, "", 1) != 1) die("ready_ping: ready");
  const int* number = shmat(segment, NULL, SHM_RDONLY);
  if (number == (void*)-1) die("ready_ping: shmat");
#ifndef FIXED
  block_ping(&ping);
#endif
  if (TEMP_FAILURE_RETRY(sigwaitinfo(&ping, NULL)) == -1) die("ready_ping: sigwaitinfo");
  const ssize_t length = (ssize_t)sizeof *number;
  return write(result, number, sizeof *number) == length ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(void) {
  int ready[2];
  int result[2];
  int value = 0;
  int status = 0;
  char byte = 0;
  if (pipe(ready) == -1 || pipe(result) == -1) {
    perror("ready_ping: pipe");
    return EXIT_FAILURE;
  }
  make_segment();
  int* number = shmat(segment, NULL, 0);
  if (number == (void*)-1) die("ready_ping: shmat");
  const pid_t child = fork();
  if (child == -1) die("ready_ping: fork");
  if (child == 0) {
    close(ready[0]);
    close(result[0]);
    return answer(ready[1], result[1]);
  }
  close(ready[1]);
  close(result[1]);
  if (TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)) == 1) {
    *number = kNumber;
    kill(child, SIGUSR1);  // its PID is its own until it has been waited for
  }
  const ssize_t got = TEMP_FAILURE_RETRY(read(result[0], &value, sizeof value));
  TEMP_FAILURE_RETRY(waitpid(child, &status, 0));
  shmctl(segment, IPC_RMID, NULL);
  if (got != (ssize_t)sizeof value || status != 0) {
    fputs("ready_ping: no answer\n", stderr);
    return EXIT_FAILURE;
  }
  printf("answer %d\n", value);
  return EXIT_SUCCESS;
}
