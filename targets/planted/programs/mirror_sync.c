// Brings two mirror sites in step: each sends the other its list of changes through a queue.
// Bug: a site takes what has already come, then sends its whole list without looking again; if
// both looked before either sent, both queues fill up and both senders sleep for ever.
// Smallest deviation: the first site is preempted between its look and its first send (by hand:
// two breakpoints in send_changes).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSites = 2, kChanges = 20, kPathLength = 1020 };

struct change {
  long type;
  int number;
  char path[kPathLength];
};

static const size_t kChangeSize = sizeof(struct change) - sizeof(long);
static int queues[kSites] = {-1, -1};  // to site 0, to site 1

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static void remove_queues(void) {
  for (int i = 0; i < kSites; ++i) msgctl(queues[i], IPC_RMID, NULL);
}

static void give_up(int number) {
  (void)number;
  remove_queues();
  _exit(EXIT_FAILURE);
}

static void make_queues(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  for (int i = 0; i < kSites; ++i) {
    queues[i] = msgget(IPC_PRIVATE, 0600);
    if (queues[i] == -1) {
      perror("mirror_sync: msgget");
      give_up(0);
    }
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

// Takes one change; 0 if there is none and `flags` say not to wait.
static int take_change(int queue, int expected, int flags) {
  struct change change;
  const ssize_t got = TEMP_FAILURE_RETRY(msgrcv(queue, &change, kChangeSize, 0, flags));
  if (got == -1 && errno == ENOMSG) return 0;
  if (got == -1) die("mirror_sync: msgrcv");
  if (change.number != expected) {
    fprintf(stderr, "mirror_sync: change %d came instead of %d\n", change.number, expected);
    exit(EXIT_FAILURE);
  }
  return 1;
}

static void send_changes(int out, int in) {
  struct change change = {.type = 1};
  int taken = 0;
  while (taken < kChanges && take_change(in, taken, IPC_NOWAIT)) ++taken;
  for (change.number = 0; change.number < kChanges; ++change.number) {
    snprintf(change.path, sizeof change.path, "/srv/mirror/%d", change.number);
#ifdef FIXED
    // A full queue may be full because the other site is stuck as we are: make room there first.
    while (msgsnd(out, &change, kChangeSize, taken < kChanges ? IPC_NOWAIT : 0) == -1) {
      if (errno == EAGAIN)
        taken += take_change(in, taken, 0);
      else if (errno != EINTR)
        die("mirror_sync: msgsnd");
    }
#else
    if (TEMP_FAILURE_RETRY(msgsnd(out, &change, kChangeSize, 0)) == -1) die("mirror_sync: msgsnd");
#endif
  }
  while (taken < kChanges) taken += take_change(in, taken, 0);
}

#ifdef FIXED
// Without the one who waits for it a site is told to end, and takes the queues with it.
static void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) give_up(0);
}
#endif

int main(void) {
  int failed = 0;
#ifdef FIXED
  const pid_t parent = getpid();
#endif
  make_queues();
  for (int i = 0; i < kSites; ++i) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("mirror_sync: fork");
      give_up(0);
    }
    if (pid == 0) {
#ifdef FIXED
      end_with(parent);
#endif
      send_changes(queues[1 - i], queues[i]);
      return EXIT_SUCCESS;
    }
  }
  for (int i = 0; i < kSites; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    if (status == 0) continue;
    failed = 1;
    remove_queues();  // the other site would wait for ever
  }
  remove_queues();
  puts(failed ? "not in step" : "in step");
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
