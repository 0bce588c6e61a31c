// await_ready: starts a helper and waits for its SIGUSR1, which says that it is ready, before it
// asks it something.
// Bug: the flag is tested and then pause() is entered; a signal in between is a lost wake-up, and
// both wait for ever.
// Smallest: one preemption: the helper runs while its parent is before pause().
// By hand: gdb, break the parent on pause until the child reads.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t ready, gone;

static void on_signal(int signal_number) {
  if (signal_number == SIGUSR1) ready = 1;
  if (signal_number == SIGCHLD) gone = 1;
}

static int help(int parent, int questions, int answers) {
  char question[64];
  if (pidfd_send_signal(parent, SIGUSR1, NULL, 0) < 0) return 1;
  const ssize_t n = read(questions, question, sizeof question);
  if (n <= 0) return 1;
  for (ssize_t i = 0; i < n / 2; ++i) {
    const char swap = question[i];
    question[i] = question[n - 1 - i];
    question[n - 1 - i] = swap;
  }
  return write(answers, question, (size_t)n) == n ? 0 : 1;
}

static int ask(int questions, int answers, const char* question) {
  char answer[64];
  if (write(questions, question, strlen(question)) < 0) return -1;
  const ssize_t n = read(answers, answer, sizeof answer);
  if (n <= 0) return -1;
  printf("%s backwards is %.*s\n", question, (int)n, answer);
  return 0;
}

static void wait_until_ready(const sigset_t* open) {
#ifdef FIXED
  while (!ready && !gone) sigsuspend(open);
#else
  (void)open;
  while (!ready && !gone) pause();
#endif
}

int main(void) {
  struct sigaction on_either = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
  int questions[2], answers[2];
  int status = 0;
  sigset_t open;

  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGUSR1, &on_either, NULL);
  sigaction(SIGCHLD, &on_either, NULL);
  sigprocmask(SIG_BLOCK, NULL, &open);
#ifdef FIXED
  sigset_t both = open;
  sigaddset(&both, SIGUSR1);
  sigaddset(&both, SIGCHLD);
  sigprocmask(SIG_BLOCK, &both, NULL);
#endif
  const int self = pidfd_open(getpid(), 0);
  if (self < 0 || pipe2(questions, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0) {
    perror("await_ready: pipe");
    return 1;
  }
  const pid_t helper = fork();
  if (helper == 0) {
    close(questions[1]);
    close(answers[0]);
    exit(help(self, questions[0], answers[1]));
  }
  close(questions[0]);
  close(answers[1]);
  if (helper > 0) wait_until_ready(&open);
  const int failed = helper < 0 ? -1 : ask(questions[1], answers[0], "stressed");
  close(questions[1]);
  while (helper > 0 && waitpid(helper, &status, 0) < 0 && errno == EINTR) continue;
  if (failed || status != 0) fprintf(stderr, "await_ready: the helper failed\n");
  return failed || status != 0;
}
