// An agent sends samples through a message queue to a sink, which prints their mean at the end.
// Bug: the sink takes every failure of msgrcv for an interruption; when the agent is told to stop
// and removes the queue, the sink fails with EINVAL for ever.
// Smallest deviation: SIGTERM to the agent before its last message (by hand: a breakpoint on
// msgsnd, then kill the agent).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSample = 1, kEnd = 2, kSamples = 5, kPatienceS = 30 };

struct sample {
  long type;
  int value;
};

static const size_t kSampleSize = sizeof(struct sample) - sizeof(long);
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
    perror("metric_sink: msgget");
    exit(EXIT_FAILURE);
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static int collect(void) {
  struct sample sample;
  int sum = 0;
  int count = 0;
  for (;;) {
    if (msgrcv(queue, &sample, kSampleSize, 0, 0) == -1) {
#ifdef FIXED
      if (errno == EINTR) continue;
      perror("metric_sink: msgrcv");
      return EXIT_FAILURE;
#else
      continue;
#endif
    }
    if (sample.type == kEnd) break;
    sum += sample.value;
    ++count;
  }
  printf("%d samples, mean %d\n", count, count > 0 ? sum / count : 0);
  return EXIT_SUCCESS;
}

static int send_sample(long type, int value) {
  const struct sample sample = {.type = type, .value = value};
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &sample, kSampleSize, 0)) == 0) return 1;
  perror("metric_sink: msgsnd");
  return 0;
}

int main(void) {
  int status = 0;
  make_queue();
  const pid_t pid = fork();
  if (pid == -1) {
    perror("metric_sink: fork");
    give_up(0);
  }
  alarm(kPatienceS);  // a queue has no end-of-file: who waits too long gives up
  if (pid == 0) return collect();
  int sent = 1;
  for (int i = 0; sent && i < kSamples; ++i) sent = send_sample(kSample, 20 + i);
  if (sent) sent = send_sample(kEnd, 0);
  if (!sent) msgctl(queue, IPC_RMID, NULL);
  TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
  msgctl(queue, IPC_RMID, NULL);
  return sent && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
