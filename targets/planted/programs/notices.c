// Posts the lines of standard input to a queue; a child prints them.
// Bug: the queue is made with mode 0666, so every user of the machine can read, forge and remove
// notices.
// Smallest deviation: none (by hand: ipcs -q while it runs).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kNotice = 1, kEnd = 2, kLongestNotice = 100, kPatienceS = 30 };
#ifdef FIXED
enum { kMode = 0600 };
#else
enum { kMode = 0666 };
#endif

struct notice {
  long type;
  char text[kLongestNotice];
};

static int queue = -1;

static void give_up(int number) {
  (void)number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_queue(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  queue = msgget(IPC_PRIVATE, kMode);
  if (queue == -1) die("notices: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static int print_notices(void) {
  struct notice notice;
  for (;;) {
    const ssize_t got = TEMP_FAILURE_RETRY(msgrcv(queue, &notice, sizeof notice.text, 0, 0));
    if (got == -1) die("notices: msgrcv");
    if (notice.type == kEnd) return EXIT_SUCCESS;
    printf("%.*s\n", (int)got, notice.text);
  }
}

static void post(long type, const char* text) {
  struct notice notice = {.type = type};
  const size_t length = strcspn(text, "\n");
  memcpy(notice.text, text, length);
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &notice, length, 0)) == -1) die("notices: msgsnd");
}

int main(void) {
  char line[kLongestNotice];
  int status = 0;
  make_queue();
  const pid_t pid = fork();
  if (pid == -1) die("notices: fork");
  alarm(kPatienceS);  // a queue has no end-of-file: who waits too long gives up
  if (pid == 0) return print_notices();
  while (fgets(line, sizeof line, stdin) != NULL) post(kNotice, line);
  post(kEnd, "");
  TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
  msgctl(queue, IPC_RMID, NULL);
  return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
