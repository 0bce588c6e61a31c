// tail_stats: prints what a job reports through a pipe; SIGUSR1 flushes the output file at once.
// Bug: the handler is installed without SA_RESTART and any failed read() ends the log, also one
// that the signal has interrupted: the rest of the report is lost.
// Smallest: one EINTR of a read that waits.
// By hand: kill -USR1 the parent during the first second.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kReportUs = 20000 };

static volatile sig_atomic_t flush_wanted;

static void on_usr1(int signal_number) {
  (void)signal_number;
  flush_wanted = 1;
}

static void flush_if_wanted(void) {
  if (!flush_wanted) return;
  flush_wanted = 0;
  fflush(stdout);
}

static void tail(int in) {
  char text[256];
  for (;;) {
    const ssize_t n = read(in, text, sizeof text);
    flush_if_wanted();
#ifdef FIXED
    if (n < 0 && errno == EINTR) continue;
#endif
    if (n <= 0) break;
    fwrite(text, 1, (size_t)n, stdout);
  }
  close(in);
}

static void job(int out) {
  static const char* const kReports[] = {"copied 10 files\n", "copied 20 files\n", "done\n"};
  signal(SIGUSR1, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (size_t i = 0; i < sizeof kReports / sizeof kReports[0]; ++i) {
    usleep(kReportUs);
    if (write(out, kReports[i], strlen(kReports[i])) < 0) exit(1);
  }
  exit(0);
}

int main(void) {
  struct sigaction on_flush = {.sa_handler = on_usr1};
  int reports[2];
  int status = 0;

  sigaction(SIGUSR1, &on_flush, NULL);
  if (pipe2(reports, O_CLOEXEC) < 0) {
    perror("tail_stats: pipe");
    return 1;
  }
  const pid_t worker = fork();
  if (worker < 0) {
    perror("tail_stats: fork");
    return 1;
  }
  if (worker == 0) {
    close(reports[0]);
    job(reports[1]);
  }
  close(reports[1]);
  tail(reports[0]);
  while (waitpid(worker, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0) fprintf(stderr, "tail_stats: the job failed\n");
  return status == 0 ? 0 : 1;
}
