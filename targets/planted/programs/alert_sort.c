// Sorts alerts ("URGENCY TEXT" on standard input, 0 the most urgent) through a private message
// queue whose message type is the urgency.
// Bug: type 0 is no message type; msgsnd refuses it with EINVAL, and the program, which expects
// only a full queue or an interruption, tries again for ever.
// Smallest deviation: none, the calm run spins (by hand: echo 0 fire | alert_sort).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

enum { kLongestText = 64, kLeastUrgent = 9 };

struct alert {
  long type;
  char text[kLongestText];
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
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  queue = msgget(IPC_PRIVATE, 0600);
  if (queue == -1) die("alert_sort: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

// Prints what is queued, the most urgent first.
static void print_alerts(void) {
  struct alert alert;
  for (;;) {
    const ssize_t got = TEMP_FAILURE_RETRY(
        msgrcv(queue, &alert, sizeof alert.text, -(kLeastUrgent + 1), IPC_NOWAIT));
    if (got == -1 && errno == ENOMSG) return;
    if (got == -1) die("alert_sort: msgrcv");
    printf("%.*s\n", (int)got, alert.text);
  }
}

static void queue_alert(long urgency, const char* text, size_t length) {
  struct alert alert;
#ifdef FIXED
  alert.type = urgency + 1;
#else
  alert.type = urgency;
#endif
  memcpy(alert.text, text, length);
  while (msgsnd(queue, &alert, length, IPC_NOWAIT) == -1) {
#ifdef FIXED
    if (errno != EAGAIN && errno != EINTR) die("alert_sort: msgsnd");
#endif
    if (errno == EAGAIN) print_alerts();
  }
}

int main(void) {
  char line[kLongestText + 8];
  make_queue();
  while (fgets(line, sizeof line, stdin) != NULL) {
    char* text = NULL;
    line[strcspn(line, "\n")] = '\0';
    const long urgency = strtol(line, &text, 10);
    if (text == line || urgency < 0 || urgency > kLeastUrgent) {
      fprintf(stderr, "alert_sort: no urgency: %s\n", line);
      continue;
    }
    text += strspn(text, " ");
    queue_alert(urgency, text, strnlen(text, kLongestText));
  }
  print_alerts();
  msgctl(queue, IPC_RMID, NULL);
  return EXIT_SUCCESS;
}
