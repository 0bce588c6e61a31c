// A daemon makes a thumbnail for each name on standard input: a child does the work and returns
// its size through a pipe. Then it waits to be told to end.
// Bug: when a child dies without a result the daemon goes on with the next name and forgets to
// close the pipe; each failure costs a descriptor.
// Smallest deviation: one child is killed (by hand: kill it in a debugger, then ls /proc/PID/fd).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLongestName = 64 };

static int make_thumbnail(const char* name, int result) {
  const int size = (int)strlen(name) * 100;
  return write(result, &size, sizeof size) == (ssize_t)sizeof size ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int handle(const char* name) {
  int result[2];
  int size = 0;
  if (pipe(result) == -1) return 0;
  const pid_t pid = fork();
  if (pid == 0) {
    close(result[0]);
    _exit(make_thumbnail(name, result[1]));
  }
  close(result[1]);
  const ssize_t got = pid == -1 ? -1 : read(result[0], &size, sizeof size);
  if (pid != -1) waitpid(pid, NULL, 0);
#ifdef FIXED
  close(result[0]);
#endif
  if (got != (ssize_t)sizeof size) return 0;
#ifndef FIXED
  close(result[0]);
#endif
  printf("%s: %d bytes\n", name, size);
  return 1;
}

int main(void) {
  char name[kLongestName];
  sigset_t stop;
  int number = 0;
  setlinebuf(stdout);
  signal(SIGPIPE, SIG_IGN);
  while (fgets(name, sizeof name, stdin) != NULL) {
    name[strcspn(name, "\n")] = '\0';
    if (!handle(name)) fprintf(stderr, "thumb_daemon: %s failed\n", name);
  }
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  return sigwait(&stop, &number) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
