// Runs three checks, each in a child that sends its result through a message queue.
// Bug: when a check did not end well the runner reports that and returns at once; the queue stays.
// Smallest deviation: one check is killed (by hand: strace -f -e inject=msgsnd:signal=KILL:when=1,
// then ipcs -q).
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

enum { kChecks = 3, kTextLength = 40, kPatienceS = 30 };

struct result {
  long type;  // 1 + check
  char text[kTextLength];
};

static int queue = -1;

static void give_up(int number) {
  (void)number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(EXIT_FAILURE);
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
  queue = msgget(IPC_PRIVATE, 0600);
  if (queue == -1) {
    perror("check_runner: msgget");
    exit(EXIT_FAILURE);
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static int check(int index) {
  static const char* const kResults[kChecks] = {"disk: 41 % used", "clock: in step", "fan: turns"};
  struct result result = {.type = 1 + index};
  snprintf(result.text, sizeof result.text, "%s", kResults[index]);
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &result, sizeof result.text, 0)) == 0) return EXIT_SUCCESS;
  perror("check_runner: msgsnd");
  return EXIT_FAILURE;
}

static int print_results(void) {
  struct result result;
  for (int i = 0; i < kChecks; ++i) {
    if (TEMP_FAILURE_RETRY(msgrcv(queue, &result, sizeof result.text, 1 + i, IPC_NOWAIT)) == -1) {
      perror("check_runner: msgrcv");
      return EXIT_FAILURE;
    }
    printf("%.*s\n", kTextLength, result.text);
  }
  return EXIT_SUCCESS;
}

int main(void) {
  int failed = 0;
  make_queue();
  for (int i = 0; i < kChecks; ++i) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("check_runner: fork");
      give_up(0);
    }
    if (pid > 0) continue;
    alarm(kPatienceS);
    return check(i);
  }
  for (int i = 0; i < kChecks; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed += status != 0;
  }
  if (failed > 0) {
    fprintf(stderr, "check_runner: %d checks did not end well\n", failed);
#ifdef FIXED
    msgctl(queue, IPC_RMID, NULL);
#endif
    return EXIT_FAILURE;
  }
  const int status = print_results();
  msgctl(queue, IPC_RMID, NULL);
  return status;
}
