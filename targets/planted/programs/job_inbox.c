// job_inbox: a daemon takes jobs from a FIFO; it makes the FIFO anew at each start, for a clean
// one.
// Bug: a client that came before waits in open() on the FIFO that the daemon removes, and nobody
// opens that one.
// Smallest: one preemption: the client runs before the daemon's first call (an old inbox is there).
// By hand: mkfifo inbox; job_inbox put & job_inbox serve
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kInbox[] = "inbox";
enum { kTries = 50, kTryUs = 100000 };

struct Job {
  int number;
  char what[28];
};

static void end(int signal_number) {
  (void)signal_number;
  unlink(kInbox);
  _exit(0);
}

static int serve(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct Job job;

  setvbuf(stdout, NULL, _IOLBF, 0);
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  unlink(kInbox);
  if (mkfifo(kInbox, 0600) < 0) {
    perror("job_inbox: mkfifo");
    return 1;
  }
  const int in = open(kInbox, O_RDWR | O_CLOEXEC);
  while (in >= 0 && read(in, &job, sizeof job) == (ssize_t)sizeof job)
    printf("job %d: %.28s\n", job.number, job.what);
  perror("job_inbox: inbox");
  unlink(kInbox);
  return 1;
}

static int open_inbox(void) {
#ifdef FIXED
  // Never waits on one inode: each try looks the name up again.
  for (int i = 0; i < kTries; ++i) {
    const int out = open(kInbox, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (out >= 0 || (errno != ENXIO && errno != ENOENT)) return out;
    usleep(kTryUs);
  }
  return -1;
#else
  for (int i = 0; i < kTries; ++i) {
    const int out = open(kInbox, O_WRONLY | O_CLOEXEC);
    if (out >= 0 || errno != ENOENT) return out;
    usleep(kTryUs);
  }
  return -1;
#endif
}

static int put(void) {
  signal(SIGPIPE, SIG_IGN);
  const int out = open_inbox();
  for (int i = 1; i <= 2 && out >= 0; ++i) {
    struct Job job = {.number = i};
    snprintf(job.what, sizeof job.what, "resize picture %d", i);
    if (write(out, &job, sizeof job) == (ssize_t)sizeof job) continue;
    perror("job_inbox: daemon");
    return 1;
  }
  if (out < 0) perror("job_inbox: no daemon");
  return out < 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "put") == 0) return put();
  fprintf(stderr, "usage: job_inbox serve | put\n");
  return 2;
}
