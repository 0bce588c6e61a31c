// progress_bar: runs a converter and shows the percentages that it reports through a pipe.
// Bug: the pipe is closed at "100", though the converter has one more line to say: it dies of
// SIGPIPE.
// Smallest: one preemption of the converter before its last line.
// By hand: gdb, set follow-fork-mode child, break before the last report until the parent waits.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(int out, const char* line) {
  if (write(out, line, strlen(line)) < 0) {
    perror("converter: progress");
    exit(1);
  }
}

static void convert(int out) {
  char line[32];
  for (int done = 25; done <= 100; done += 25) {
    snprintf(line, sizeof line, "%d\n", done);
    report(out, line);
  }
  report(out, "dropped 3 frames\n");
  exit(0);
}

static void show(int in) {
  char line[64];
  FILE* progress = fdopen(in, "r");
  if (progress == NULL) return;
  while (fgets(line, sizeof line, progress) != NULL) {
    const int percent = atoi(line);
    if (percent > 0) printf("[%-10.*s] %3d %%\n", percent / 10, "##########", percent);
#ifndef FIXED
    if (percent == 100) break;
#endif
  }
  fclose(progress);
}

int main(void) {
  int progress[2];
  int status = 0;

#ifdef FIXED
  signal(SIGPIPE, SIG_IGN);
#endif
  if (pipe2(progress, O_CLOEXEC) < 0) {
    perror("progress_bar: pipe");
    return 1;
  }
  const pid_t converter = fork();
  if (converter < 0) {
    perror("progress_bar: fork");
    return 1;
  }
  if (converter == 0) {
    close(progress[0]);
    convert(progress[1]);
  }
  close(progress[1]);

  show(progress[0]);
  if (waitpid(converter, &status, 0) != converter || status != 0) {
    fprintf(stderr, "progress_bar: the converter failed\n");
    return 1;
  }
  printf("converted\n");
  return 0;
}
