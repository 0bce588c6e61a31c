// A front end forwards rules from standard input to a child that applies them until it reads
// "quit".
// Bug: the child takes a read of 0 bytes for "nothing yet" and reads again; when the front end is
// gone without a "quit", that is for ever.
// Smallest deviation: the front end is killed (by hand: kill -9 it while it waits for a terminal).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLongestRule = 120, kBufferSize = 512 };

// Whether there are more rules to come.
static int apply(const char* rule) {
  if (strcmp(rule, "quit") == 0) return 0;
  printf("applied: %s\n", rule);
  return 1;
}

static int serve(int rules) {
  char buffer[kBufferSize];
  size_t used = 0;
  for (;;) {
    const ssize_t got = read(rules, buffer + used, sizeof buffer - used);
    if (got == -1) {
      perror("rule_shell: read");
      return EXIT_FAILURE;
    }
#ifdef FIXED
    if (got == 0) {
      fputs("rule_shell: no quit came\n", stderr);
      return EXIT_FAILURE;
    }
#endif
    used += (size_t)got;
    char* line = buffer;
    char* end = NULL;
    while ((end = memchr(line, '\n', used - (size_t)(line - buffer))) != NULL) {
      *end = '\0';
      if (!apply(line)) return EXIT_SUCCESS;
      line = end + 1;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    if (used == sizeof buffer) {
      fputs("rule_shell: rule too long\n", stderr);
      return EXIT_FAILURE;
    }
  }
}

// Whether it was taken whole; a rule is shorter than PIPE_BUF, so there is no half.
static int send_rule(int rules, const char* rule) {
  return write(rules, rule, strlen(rule)) == (ssize_t)strlen(rule);
}

int main(void) {
  char rule[kLongestRule];
  int rules[2];
  int status = 0;
  signal(SIGPIPE, SIG_IGN);
  if (pipe(rules) == -1) {
    perror("rule_shell: pipe");
    return EXIT_FAILURE;
  }
  const pid_t pid = fork();
  if (pid == -1) {
    perror("rule_shell: fork");
    return EXIT_FAILURE;
  }
  if (pid == 0) {
    close(rules[1]);
    return serve(rules[0]);
  }
  close(rules[0]);
  int sent = 1;
  while (sent && fgets(rule, sizeof rule, stdin) != NULL) sent = send_rule(rules[1], rule);
  if (sent) sent = send_rule(rules[1], "quit\n");
  close(rules[1]);
  if (waitpid(pid, &status, 0) == -1 || status != 0 || !sent) {
    fputs("rule_shell: not all rules were applied\n", stderr);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
