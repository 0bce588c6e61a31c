// stage_worker: a conductor starts a worker, and tells it with SIGUSR1 when the stage is free.
// Bug: the worker blocks the signal once it runs; a signal that comes before kills it. The parent
// sleeps a second, "that will do".
// Smallest: the parent's sleep ends before the worker has run.
// By hand: gdb, set follow-fork-mode child, stop the child at its start for two seconds.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void block_go(sigset_t* go) {
  sigemptyset(go);
  sigaddset(go, SIGUSR1);
  sigprocmask(SIG_BLOCK, go, NULL);
}

static int work(const sigset_t* go, pid_t parent) {
  const struct timespec second = {.tv_sec = 1, .tv_nsec = 0};
  while (sigtimedwait(go, NULL, &second) < 0)
    if (getppid() != parent) return 1;
  printf("worker: on stage\n");
  return 0;
}

int main(void) {
  const pid_t self = getpid();
  int status = 0;
  sigset_t go;

#ifdef FIXED
  block_go(&go);  // the child inherits it
#endif
  const pid_t pid = fork();
  if (pid < 0) {
    perror("stage_worker: fork");
    return 1;
  }
  if (pid == 0) {
#ifndef FIXED
    usleep(1000);  // reads its settings
    block_go(&go);
#endif
    exit(work(&go, self));
  }
  const int worker = pidfd_open(pid, 0);
  if (worker < 0) {
    perror("stage_worker: pidfd_open");
    kill(pid, SIGKILL);
  }
  sleep(1);  // gives the worker time to start
  if (worker >= 0 && pidfd_send_signal(worker, SIGUSR1, NULL, 0) < 0) perror("stage_worker: go");
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) {
    fprintf(stderr, "stage_worker: the worker failed\n");
    return 1;
  }
  printf("stage_worker: the show is over\n");
  return 0;
}
