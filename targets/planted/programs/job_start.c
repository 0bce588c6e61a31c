// job_start: starts jobs, not all at once, and waits until all have ended.
// Bug: one waitpid for each SIGCHLD; two jobs that end together send one (signal(7)), and the last
// SIGCHLD that it waits for never comes.
// Smallest: two deviations: the wait between two starts times out, and the next job ends before the
// parent runs.
// By hand: SIGSTOP the parent between two starts until two children are zombies.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kJobs = 3, kStartMs = 20 };

static int running;
static int failed;

static void reap(void) {
  int status;
#ifdef FIXED
  while (running > 0 && waitpid(-1, &status, WNOHANG) > 0) {
#else
  if (waitpid(-1, &status, WNOHANG) > 0) {
#endif
    --running;
    failed += status != 0;
  }
}

static void job(int number) {
  int pages = 0;
  for (int i = 0; i < 1000 * (number + 1); ++i) pages += i % 7 == 0;
  exit(pages > 0 ? 0 : 1);
}

int main(void) {
  const struct timespec between = {.tv_sec = 0, .tv_nsec = kStartMs * 1000000L};
  sigset_t ended;

  sigemptyset(&ended);
  sigaddset(&ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &ended, NULL);
  for (int i = 0; i < kJobs; ++i) {
    const pid_t pid = fork();
    if (pid == 0) job(i);
    if (pid < 0)
      ++failed;
    else
      ++running;
    if (sigtimedwait(&ended, NULL, &between) == SIGCHLD) reap();
  }
  while (running > 0)
    if (sigwaitinfo(&ended, NULL) == SIGCHLD) reap();
  printf("%d jobs done, %d failed\n", kJobs - failed, failed);
  return failed > 0;
}
