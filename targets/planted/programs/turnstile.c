// turnstile: counts visitors: the turnstile process sends one signal for each.
// Bug: SIGUSR1 does not queue: two visitors in quick succession are one (signal(7)).
// Smallest: the turnstile's pause between two visitors ends before the counter has run.
// By hand: SIGSTOP the parent for a second.
// SPDX-License-Identifier: MIT
#include <errno.h>
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

static void turn(int counter) {
  for (int i = 0; i < kVisitors; ++i) {
    usleep(kVisitorUs);
    if (pidfd_send_signal(counter, VISIT, NULL, 0) < 0) exit(1);
  }
  exit(0);
}

static int count(const sigset_t* events) {
  const struct timespec now = {.tv_sec = 0, .tv_nsec = 0};
  int visitors = 0;
  int caught;
  while ((caught = sigwaitinfo(events, NULL)) != SIGCHLD) {
    if (caught == VISIT) ++visitors;
    if (caught < 0 && errno != EINTR) return -1;
  }
  // The lower number comes first: visits may still be pending behind SIGCHLD.
  while ((caught = sigtimedwait(events, NULL, &now)) > 0 || (caught < 0 && errno == EINTR))
    if (caught == VISIT) ++visitors;
  return visitors;
}

int main(void) {
  int status = 0;
  sigset_t events;

  sigemptyset(&events);
  sigaddset(&events, VISIT);
  sigaddset(&events, SIGCHLD);
  sigprocmask(SIG_BLOCK, &events, NULL);
  const int self = pidfd_open(getpid(), 0);
  if (self < 0) {
    perror("turnstile: pidfd_open");
    return 1;
  }
  const pid_t gate = fork();
  if (gate < 0) {
    perror("turnstile: fork");
    return 1;
  }
  if (gate == 0) turn(self);
  const int visitors = count(&events);
  while (waitpid(gate, &status, 0) < 0 && errno == EINTR) continue;
  printf("%d visitors\n", visitors);
  return status == 0 ? 0 : 1;
}
