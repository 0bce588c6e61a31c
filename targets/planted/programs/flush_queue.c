// flush_queue: a consumer prints the items that a producer sends; it wants no items of an earlier
// run.
// Bug: it removes the queue that it finds and makes a new one; a producer that was quick has sent
// its items into the one that goes, and the consumer gives up.
// Smallest: one preemption of the consumer before its IPC_RMID.
// By hand: gdb, break flush_queue consume on msgctl, flush_queue produce, go on.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

static const key_t kKey = 0x666c7573;
static int queue = -1;
enum { kTries = 50, kTryUs = 100000 };

struct Body {
  int run;  // number that the scheduler gives to both, in RUN
  char text[28];
};
struct Message {
  long type;
  struct Body body;
};

static void end(int signal_number) {
  (void)signal_number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(1);
}

static int this_run(void) {
  const char* run = getenv("RUN");
  return run == NULL ? 0 : atoi(run);
}

static int receive(struct Message* message) {
  for (int tries = 0; tries < kTries;) {
    const ssize_t n = msgrcv(queue, message, sizeof message->body, 0, IPC_NOWAIT | MSG_NOERROR);
    if (n == (ssize_t)sizeof message->body && message->body.run == this_run()) return 0;
    if (n >= 0) continue;  // of another run
    if (errno != ENOMSG && errno != EINTR) return -1;
    ++tries;
    usleep(kTryUs);
  }
  return -1;
}

static int consume(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct Message message;

  sigaction(SIGTERM, &on_end, NULL);
  queue = msgget(kKey, IPC_CREAT | 0600);
#ifndef FIXED
  if (queue >= 0) msgctl(queue, IPC_RMID, NULL);
  queue = msgget(kKey, IPC_CREAT | 0600);
#endif
  if (queue < 0) {
    perror("flush_queue: msgget");
    return 1;
  }
  int failed;
  while ((failed = receive(&message)) == 0 && strcmp(message.body.text, "end") != 0)
    printf("item %.28s\n", message.body.text);
  msgctl(queue, IPC_RMID, NULL);
  if (failed) fprintf(stderr, "flush_queue: the producer is silent\n");
  return failed ? 1 : 0;
}

static int send_item(const char* text) {
  struct Message message = {.type = 1, .body = {.run = this_run(), .text = ""}};
  snprintf(message.body.text, sizeof message.body.text, "%s", text);
  for (int i = 0; i < kTries; ++i) {
    if (msgsnd(queue, &message, sizeof message.body, IPC_NOWAIT) == 0) return 0;
    if (errno != EAGAIN && errno != EINTR) return -1;
    usleep(kTryUs);
  }
  return -1;
}

static int produce(void) {
  static const char* const kItems[] = {"bolt", "nut", "washer", "end"};
  for (int i = 0; i < kTries && queue < 0; ++i) {
    queue = msgget(kKey, 0);
    if (queue < 0) usleep(kTryUs);
  }
  for (size_t i = 0; i < sizeof kItems / sizeof kItems[0]; ++i) {
    if (queue >= 0 && send_item(kItems[i]) == 0) continue;
    perror("flush_queue: no consumer");
    return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "consume") == 0) return consume();
  if (argc == 2 && strcmp(argv[1], "produce") == 0) return produce();
  fprintf(stderr, "usage: flush_queue consume | produce\n");
  return 2;
}
