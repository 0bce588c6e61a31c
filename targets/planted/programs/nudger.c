// Waits for a worker's result; when none has come for a second it nudges the worker with SIGUSR1,
// at which the worker notes in shared memory how far it has come.
// Bug: a handler of SIGCHLD reaps the worker, and the PID is used after that: the nudge may hit
// whoever has the number by then.
// Smallest deviation: the time-out comes first, and the worker ends before the kill that follows.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPatienceMs = 1000, kSteps = 3 };

static volatile sig_atomic_t worker_status = -1;
static volatile sig_atomic_t step;  // the worker's
static volatile int* progress;

#ifndef FIXED
static void reap(int number) {
  const int saved = errno;
  int status = 0;
  (void)number;
  if (waitpid(-1, &status, WNOHANG) > 0) worker_status = status;
  errno = saved;
}
#endif

static void report(int number) {
  (void)number;
  *progress = step;
}

static int work(int result) {
  long product = 1;
  for (step = 0; step < kSteps; ++step) product *= 2 + step;
  return TEMP_FAILURE_RETRY(write(result, &product, sizeof product)) == (ssize_t)sizeof product
             ? EXIT_SUCCESS
             : EXIT_FAILURE;
}

// The result, or -1 if the worker failed.
static long wait_for_result(pid_t worker, int result) {
  struct pollfd watched = {.fd = result, .events = POLLIN};
  long product = 0;
  for (;;) {
    const int ready = poll(&watched, 1, kPatienceMs);
    if (ready == 1) break;
    if (ready == 0)
      kill(worker, SIGUSR1);
    else if (errno != EINTR)
      return -1;
  }
  const ssize_t got = TEMP_FAILURE_RETRY(read(result, &product, sizeof product));
  return got == (ssize_t)sizeof product ? product : -1;
}

int main(void) {
  struct sigaction action = {.sa_handler = report, .sa_flags = SA_RESTART};
  int result[2];
  progress =
      mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (progress == MAP_FAILED) {
    perror("nudger: mmap");
    return EXIT_FAILURE;
  }
  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGUSR1, &action, NULL);
#ifndef FIXED
  action.sa_handler = reap;
  sigaction(SIGCHLD, &action, NULL);
#endif
  if (pipe(result) == -1) {
    perror("nudger: pipe");
    return EXIT_FAILURE;
  }
  const pid_t worker = fork();
  if (worker == -1) {
    perror("nudger: fork");
    return EXIT_FAILURE;
  }
  if (worker == 0) {
    close(result[0]);
    return work(result[1]);
  }
  close(result[1]);
  const long product = wait_for_result(worker, result[0]);
  int status = 0;
  if (TEMP_FAILURE_RETRY(waitpid(worker, &status, 0)) == worker) worker_status = status;
  if (product == -1 || worker_status != 0) {
    fputs("nudger: the worker failed\n", stderr);
    return EXIT_FAILURE;
  }
  printf("%ld\n", product);
  return EXIT_SUCCESS;
}
