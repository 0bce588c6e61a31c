// turnstile: lets three visitors in: the turnstile process sends one signal for each, and closes
// when the counter says so.
// Bug: SIGUSR1 does not queue: two visitors in quick succession are one (signal(7)), and both wait
// for ever.
// Smallest: the turnstile's pause between two visitors ends before the counter has run.
// By hand: SIGSTOP the parent for a second.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kVisitors = 3, kVisitorUs = 20000 };

#ifdef FIXED
#define VISIT SIGRTMIN  // queues
#else
#define VISIT SIGUSR1
#endif

static void turn(int counter, int commands) {
  char closed;
  for (int i = 0; i < kVisitors; ++i) {
    usleep(kVisitorUs);
    if (pidfd_send_signal(counter, VISIT, NULL, 0) < 0) exit(1);
  }
  exit(read(commands, &closed, 1) == 1 ? 0 : 1);
}

// Until the hall is full, or the turnstile has died.
static int count(const sigset_t* events) {
  int visitors = 0;
  while (visitors < kVisitors) {
    const int caught = sigwaitinfo(events, NULL);
    if (caught == SIGCHLD) break;
    if (caught == VISIT) ++visitors;
  }
  return visitors;
}

int main(void) {
  int commands[2];
  int status = 0;
  sigset_t events;

  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&events);
  sigaddset(&events, VISIT);
  sigaddset(&events, SIGCHLD);
  sigprocmask(SIG_BLOCK, &events, NULL);
  const int self = pidfd_open(getpid(), 0);
  if (self < 0 || pipe2(commands, O_CLOEXEC) < 0) {
    perror("turnstile: pipe");
    return 1;
  }
  const pid_t gate = fork();
  if (gate < 0) {
    perror("turnstile: fork");
    return 1;
  }
  if (gate == 0) {
    close(commands[1]);
    turn(self, commands[0]);
  }
  close(commands[0]);
  printf("%d visitors\n", count(&events));
  if (write(commands[1], "c", 1) < 0) perror("turnstile: the gate has died");
  close(commands[1]);
  while (waitpid(gate, &status, 0) < 0 && errno == EINTR) continue;
  return status == 0 ? 0 : 1;
}
