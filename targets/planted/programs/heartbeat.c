// A service starts a child that beats its heart once a second, and a worker whose lines it prints.
// Bug: when the worker fails the service returns at once; only the good way out stops the heart,
// which then beats for ever without a service.
// Smallest deviation: the worker is killed (by hand: strace -f -e
// inject=write:signal=KILL:when=1).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kLines = 3, kBeatMs = 1000 };

static volatile unsigned* beats;

// `service` ends when the service does.
static void beat(int service) {
#ifdef FIXED
  struct pollfd watched = {.fd = service, .events = POLLIN};
  while (poll(&watched, 1, kBeatMs) != 1) ++*beats;
  _exit(EXIT_SUCCESS);
#else
  close(service);
  for (;;) {
    poll(NULL, 0, kBeatMs);
    ++*beats;
  }
#endif
}

static int work(int lines) {
  char line[64];
  for (int i = 0; i < kLines; ++i) {
    const int length = snprintf(line, sizeof line, "item %d done\n", i);
    if (write(lines, line, (size_t)length) != length) return EXIT_FAILURE;
  }
  return write(lines, "end\n", 4) == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}

// Whether the worker came to its end.
static int print_lines(FILE* lines) {
  char line[64];
  while (fgets(line, sizeof line, lines) != NULL) {
    if (strcmp(line, "end\n") == 0) return 1;
    fputs(line, stdout);
  }
  return 0;
}

int main(void) {
  int life[2];
  int lines[2];
  signal(SIGPIPE, SIG_IGN);
  beats = mmap(NULL, sizeof *beats, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (beats == MAP_FAILED || pipe(life) == -1 || pipe(lines) == -1) {
    perror("heartbeat: start");
    return EXIT_FAILURE;
  }
  const pid_t heart = fork();
  if (heart == 0) {
    close(life[1]);
    close(lines[0]);
    close(lines[1]);
    beat(life[0]);
  }
  const pid_t worker = heart == -1 ? -1 : fork();
  if (worker == 0) {
    close(life[0]);
    close(life[1]);
    close(lines[0]);
    _exit(work(lines[1]));
  }
  close(life[0]);
  close(lines[1]);
  FILE* const input = fdopen(lines[0], "r");
  if (worker == -1 || input == NULL || !print_lines(input)) {
    fputs("heartbeat: the worker failed\n", stderr);
    return EXIT_FAILURE;
  }
#ifdef FIXED
  close(life[1]);
#else
  kill(heart, SIGTERM);
#endif
  while (wait(NULL) > 0) continue;
  puts("all done");
  return EXIT_SUCCESS;
}
