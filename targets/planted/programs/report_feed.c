// Prepares a report and feeds it through a pipe to a child that numbers the lines.
// Bug: the feeder writes until everything has been taken and looks only at positive results;
// without a reader write fails with EPIPE for ever.
// Smallest deviation: the child is killed (by hand: report_feed with the child in gdb, kill it).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLines = 4 };

static int feed(int fd, const char* text, size_t left) {
  while (left > 0) {
    const ssize_t taken = write(fd, text, left);
    if (taken > 0) {
      text += taken;
      left -= (size_t)taken;
    }
#ifdef FIXED
    if (taken == -1 && errno != EINTR) return 0;
#endif
  }
  return 1;
}

static int number_lines(int fd) {
  FILE* lines = fdopen(fd, "r");
  char line[128];
  int count = 0;
  if (lines == NULL) return EXIT_FAILURE;
  while (fgets(line, sizeof line, lines) != NULL) printf("%3d  %s", ++count, line);
  // What ends without its last line was cut off.
  if (ferror(lines) || count == 0 || strcmp(line, "end\n") != 0) return EXIT_FAILURE;
  return EXIT_SUCCESS;
}

int main(void) {
  char line[128];
  int pipe_ends[2];
  int status = 0;
  signal(SIGPIPE, SIG_IGN);
  if (pipe(pipe_ends) == -1) {
    perror("report_feed: pipe");
    return EXIT_FAILURE;
  }
  const pid_t pid = fork();
  if (pid == -1) {
    perror("report_feed: fork");
    return EXIT_FAILURE;
  }
  if (pid == 0) {
    close(pipe_ends[1]);
    return number_lines(pipe_ends[0]);
  }
  close(pipe_ends[0]);
  int fed = 1;
  for (int i = 0; fed && i < kLines; ++i) {
    const int length = snprintf(line, sizeof line, "disk %d is at %d %%\n", i, 40 + 7 * i);
    fed = feed(pipe_ends[1], line, (size_t)length);
  }
  if (fed) fed = feed(pipe_ends[1], "end\n", 4);
  close(pipe_ends[1]);
  if (waitpid(pid, &status, 0) == -1 || status != 0 || !fed) {
    fputs("report_feed: the report is not complete\n", stderr);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
