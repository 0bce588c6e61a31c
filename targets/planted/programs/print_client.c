// print_client: hands jobs to a print spooler through a pipe, ends the session with QUIT and
// reports who pays.
// Bug: the spooler stops reading at QUIT, so a line after it may find no reader: the client dies of
// SIGPIPE.
// Smallest: one preemption before the client writes its last line.
// By hand: gdb, break the parent before the last send_line until the child has ended.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void send_line(int fd, const char* line) {
  if (write(fd, line, strlen(line)) < 0) die("print_client: spooler");
}

static int spool(int in) {
  char line[128];
  int jobs = 0;
  FILE* commands = fdopen(in, "r");
  if (commands == NULL) die("spooler: fdopen");
  while (fgets(line, sizeof line, commands) != NULL) {
    if (strncmp(line, "PRINT ", 6) == 0) {
      ++jobs;
      printf("spooler: printing %s", line + 6);
    } else if (strncmp(line, "CHARGE ", 7) == 0) {
      printf("spooler: charged to %s", line + 7);
    } else if (strcmp(line, "QUIT\n") == 0) {
      break;
    }
  }
  printf("spooler: %d jobs done\n", jobs);
  fclose(commands);
  return 0;
}

int main(void) {
  static const char* const kFiles[] = {"PRINT report.ps\n", "PRINT slides.ps\n"};
  int to_spooler[2];
  int status = 0;

#ifdef FIXED
  signal(SIGPIPE, SIG_IGN);
#endif
  if (pipe2(to_spooler, O_CLOEXEC) < 0) die("print_client: pipe");
  const pid_t spooler = fork();
  if (spooler < 0) die("print_client: fork");
  if (spooler == 0) {
    close(to_spooler[1]);
    exit(spool(to_spooler[0]));
  }
  close(to_spooler[0]);

  for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; ++i) send_line(to_spooler[1], kFiles[i]);
#ifdef FIXED
  send_line(to_spooler[1], "CHARGE accounting\n");
  send_line(to_spooler[1], "QUIT\n");
#else
  send_line(to_spooler[1], "QUIT\n");
  send_line(to_spooler[1], "CHARGE accounting\n");
#endif
  close(to_spooler[1]);

  if (waitpid(spooler, &status, 0) < 0) die("print_client: waitpid");
  if (status != 0) {
    fprintf(stderr, "print_client: the spooler failed\n");
    return 1;
  }
  return 0;
}
