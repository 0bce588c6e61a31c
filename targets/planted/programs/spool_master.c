// A spool master starts a child for each job on standard input and goes on running; a handler of
// SIGCHLD reaps the children.
// Bug: the handler reaps one child a signal, but signals do not queue: of two children that end
// together one stays a zombie.
// Smallest deviation: the second child ends before the master has handled the first one's end.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLongestJob = 64 };

static void reap(int number) {
  const int saved = errno;
  (void)number;
#ifdef FIXED
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
#else
  waitpid(-1, NULL, WNOHANG);
#endif
  errno = saved;
}

static int spool(const char* job) {
  unsigned check = 0;
  for (; *job != '\0'; ++job) check = 31 * check + (unsigned char)*job;
  return check == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void) {
  struct sigaction action = {.sa_handler = reap, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  char job[kLongestJob];
  sigset_t none;
  sigset_t child;
  int jobs = 0;
  setlinebuf(stdout);
  sigaction(SIGCHLD, &action, NULL);
  sigemptyset(&none);
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  while (fgets(job, sizeof job, stdin) != NULL) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("spool_master: fork");
      return EXIT_FAILURE;
    }
    if (pid == 0) _exit(spool(job));
    ++jobs;
  }
  printf("%d jobs started\n", jobs);
  sigprocmask(SIG_BLOCK, &child, NULL);
  for (;;) sigsuspend(&none);
}
