// log_rotate: a collector takes log records from a FIFO and opens it anew at each rotation, on the
// shipper's word. Bug: it answers before it has closed and opened; a shipper that goes on at once
// writes to a FIFO without a reader, does not look at EPIPE, and leaves: records are lost, and the
// collector waits in open() for ever.
// Smallest: one preemption of the collector between close and open. By hand: gdb, break the parent
// on rotate's open until the child has ended.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char kFifo[] = "log.in";
static const char kRotate[] = "ROTATE";

struct Record {
  char text[32];
};

static void end(int signal_number) {
  (void)signal_number;
  unlink(kFifo);
  _exit(1);
}

static void die(const char* what) {
  perror(what);
  unlink(kFifo);
  exit(1);
}

static void ship(int out, int answers) {
  static const char* const kTexts[] = {"disk 81 %", "disk 83 %", kRotate, "disk 12 %", "disk 14 %"};
  for (size_t i = 0; i < sizeof kTexts / sizeof kTexts[0]; ++i) {
    struct Record record = {""};
    char answer;
    strncpy(record.text, kTexts[i], sizeof record.text - 1);
#ifdef FIXED
    if (write(out, &record, sizeof record) < 0) exit(1);
#else
    write(out, &record, sizeof record);
#endif
    if (strcmp(kTexts[i], kRotate) == 0 && read(answers, &answer, 1) != 1) exit(1);
  }
  exit(0);
}

static int rotate(int in, int answers) {
#ifdef FIXED
  // The new end first: there is never a moment without a reader, and no wait for a writer.
  const int next = open(kFifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (next < 0 || fcntl(next, F_SETFL, 0) < 0) die("collector: open");
  close(in);
  if (write(answers, "k", 1) < 0) perror("collector: shipper");
#else
  if (write(answers, "k", 1) < 0) perror("collector: shipper");
  close(in);
  const int next = open(kFifo, O_RDONLY | O_CLOEXEC);
  if (next < 0) die("collector: open");
#endif
  return next;
}

static void collect(int in, int answers) {
  struct Record record;
  int log = 1;
  while (read(in, &record, sizeof record) == (ssize_t)sizeof record) {
    if (strcmp(record.text, kRotate) == 0) {
      in = rotate(in, answers);
      ++log;
    } else {
      printf("log.%d: %s\n", log, record.text);
    }
  }
  close(in);
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  int answers[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGTERM, &on_end, NULL);
  unlink(kFifo);
  if (pipe2(answers, O_CLOEXEC) < 0 || mkfifo(kFifo, 0600) < 0) {
    perror("log_rotate: mkfifo");
    return 1;
  }
  const int in = open(kFifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int out = open(kFifo, O_WRONLY | O_CLOEXEC);
  if (in < 0 || out < 0 || fcntl(in, F_SETFL, 0) < 0) die("log_rotate: open");
  const pid_t shipper = fork();
  if (shipper < 0) die("log_rotate: fork");
  if (shipper == 0) {
    signal(SIGTERM, SIG_DFL);
    close(in);
    close(answers[1]);
    ship(out, answers[0]);
  }
  close(out);
  close(answers[0]);

  collect(in, answers[1]);
  unlink(kFifo);
  waitpid(shipper, &status, 0);
  if (status != 0) fprintf(stderr, "log_rotate: the shipper failed\n");
  return status == 0 ? 0 : 1;
}
