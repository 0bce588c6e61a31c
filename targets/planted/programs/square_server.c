// square_server: a daemon answers jobs that clients send through a message queue.
// Bug: all answers have one type, so a client that is started again takes the answers to the jobs
// of the one that was killed for its own, and aborts.
// Smallest: two deviations: the client is killed between its two answers, and is started again.
// By hand: square_server serve & square_server submit, killed after its first line; square_server
// submit
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

static const key_t kKey = 0x73717561;
static int queue = -1;
enum { kToServer = 1, kToClient = 2, kJobs = 2, kTries = 50, kTryUs = 100000 };

struct Body {
  long answer_type;
  pid_t client;
  int job;
  int value;
};
struct Message {
  long type;
  struct Body body;
};

static void end(int signal_number) {
  (void)signal_number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(0);
}

static int serve(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct Message message;

  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  queue = msgget(kKey, IPC_CREAT | 0600);
  for (;;) {
    const ssize_t n = msgrcv(queue, &message, sizeof message.body, kToServer, MSG_NOERROR);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    if (n != (ssize_t)sizeof message.body || message.body.answer_type < kToClient) continue;
    message.type = message.body.answer_type;
    message.body.value *= message.body.value;
    msgsnd(queue, &message, sizeof message.body, IPC_NOWAIT);  // whoever lets it fill gets none
  }
  perror("square_server");
  return 1;
}

static int exchange(int is_send, struct Message* message, long type) {
  for (int i = 0; i < kTries; ++i) {
    const ssize_t n = is_send ? msgsnd(queue, message, sizeof message->body, IPC_NOWAIT)
                              : msgrcv(queue, message, sizeof message->body, type, IPC_NOWAIT);
    if (n >= 0) return 0;
    if (errno != EAGAIN && errno != ENOMSG && errno != EINTR) return -1;
    usleep(kTryUs);
  }
  return -1;
}

static int submit(void) {
#ifdef FIXED
  const long own = kToClient + getpid();
#else
  const long own = kToClient;
#endif
  struct Message message = {.type = kToServer, .body = {.answer_type = own, .client = getpid()}};
  for (int i = 0; i < kTries && queue < 0; ++i) {
    queue = msgget(kKey, 0);
    if (queue < 0) usleep(kTryUs);
  }
  for (int job = 1; job <= kJobs; ++job) {
    message.body.job = job;
    message.body.value = 10 + job;
    if (queue < 0 || exchange(1, &message, 0) < 0) {
      fprintf(stderr, "square_server: no server\n");
      return 1;
    }
  }
  for (int job = 1; job <= kJobs; ++job) {
    const int failed = exchange(0, &message, own);
    if (failed == 0 && message.body.client != getpid()) {
      fprintf(stderr, "square_server: the answer is for somebody else\n");
      abort();
    }
    if (failed < 0 || message.body.job != job) {
      fprintf(stderr, "square_server: no answer to job %d\n", job);
      return 1;
    }
    printf("job %d: %d\n", job, message.body.value);
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "submit") == 0) return submit();
  fprintf(stderr, "usage: square_server serve | submit\n");
  return 2;
}
