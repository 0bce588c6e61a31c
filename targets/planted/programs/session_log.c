// session_log: a logger writes a session to a FIFO, runs the next step of its job, writes the next
// session; a daemon reports each.
// Bug: a session ends where the last writer closes; when the logger opens again before the daemon
// has seen that end, two sessions become one.
// Smallest: one preemption: the step ends before the daemon has read. By hand: session_log collect
// & SIGSTOP it once session_log log has opened; SIGCONT when that has ended.
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

static const char kFifo[] = "session.log";
static const char kEnd[] = "END";
enum { kRounds = 600000, kSessions = 2, kTries = 50, kTryUs = 100000 };

struct Record {
  char text[32];
};

static void end(int signal_number) {
  (void)signal_number;
  unlink(kFifo);
  _exit(0);
}

static void make_fifo(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct stat info;

  setvbuf(stdout, NULL, _IOLBF, 0);
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  if ((mkfifo(kFifo, 0600) == 0 || errno == EEXIST) && stat(kFifo, &info) == 0 &&
      S_ISFIFO(info.st_mode))
    return;
  fprintf(stderr, "session_log: cannot make the FIFO %s\n", kFifo);
  exit(1);
}

static void report(int session, int records) {
  printf("session %d: %d records\n", session, records);
}

static int collect(void) {
  struct Record record;
  make_fifo();
#ifdef FIXED
  // Open for writing too: the end of a session is a record, no matter who has the FIFO open.
  const int in = open(kFifo, O_RDWR | O_CLOEXEC);
  if (in < 0) return 1;
  for (int session = 1, records = 0; read(in, &record, sizeof record) == (ssize_t)sizeof record;) {
    if (strcmp(record.text, kEnd) != 0) {
      ++records;
      continue;
    }
    report(session++, records);
    records = 0;
  }
#else
  for (int session = 1;; ++session) {
    int records = 0;
    const int in = open(kFifo, O_RDONLY | O_CLOEXEC);
    if (in < 0) break;
    while (read(in, &record, sizeof record) == (ssize_t)sizeof record)
      if (strcmp(record.text, kEnd) != 0) ++records;
    close(in);
    report(session, records);
  }
#endif
  perror("session_log");
  unlink(kFifo);
  return 1;
}

static int put(int out, const char* text) {
  struct Record record = {""};
  snprintf(record.text, sizeof record.text, "%s", text);
  return write(out, &record, sizeof record) == (ssize_t)sizeof record ? 0 : -1;
}

static int log_session(int session) {
  char text[32];
  int out = -1;
  for (int i = 0; i < kTries && out < 0; ++i) {
#ifdef FIXED
    out = open(kFifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
#else
    out = open(kFifo, O_WRONLY | O_CLOEXEC);
#endif
    if (out < 0) usleep(kTryUs);
  }
  if (out < 0) return -1;
  int failed = 0;
  for (int i = 0; i < session + 1 && !failed; ++i) {
    snprintf(text, sizeof text, "step %d", i);
    failed = put(out, text);
  }
  if (!failed) failed = put(out, kEnd);
  close(out);
  return failed;
}

static void simulate(void) {
  volatile unsigned state = 1;
  for (int i = 0; i < kRounds; ++i) state = state * 1664525U + 1013904223U;
  _exit(0);
}

static int run_step(void) {
  int status = 1;
  const pid_t step = fork();
  if (step == 0) simulate();
  while (step > 0 && waitpid(step, &status, 0) < 0 && errno == EINTR) continue;
  return status == 0 ? 0 : -1;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "collect") == 0) return collect();
  if (argc != 2 || strcmp(argv[1], "log") != 0) {
    fprintf(stderr, "usage: session_log collect | log\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  for (int session = 1; session <= kSessions; ++session) {
    if (session > 1 && run_step() < 0) {
      perror("session_log: step");
      return 1;
    }
    if (log_session(session) < 0) {
      perror("session_log: no collector");
      return 1;
    }
  }
  return 0;
}
