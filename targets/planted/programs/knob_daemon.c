// A daemon prints what comes through its FIFO until it is told to end; `knob_daemon turn` sends
// the lines of standard input to it, `knob_daemon serve` is the daemon.
// Bug: SIGTERM ends the daemon by its default action; the FIFO stays.
// Smallest deviation: none, the tear-down of the calm run shows it.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kLongestLine = 128, kPatienceS = 10 };

static const char kKnobs[] = "knobs";
static volatile sig_atomic_t is_waiting;

static void make_fifo(void) {
  struct stat status;
  if (mkfifo(kKnobs, 0600) == 0) return;
  if (errno == EEXIST && lstat(kKnobs, &status) == 0 && S_ISFIFO(status.st_mode)) return;
  perror("knob_daemon: knobs");
  exit(EXIT_FAILURE);
}

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(number, &action, NULL);
}

#ifdef FIXED
static void end(int number) {
  (void)number;
  unlink(kKnobs);
  _exit(EXIT_SUCCESS);
}
#endif

static int serve(void) {
  char buffer[kLongestLine];
#ifdef FIXED
  handle(SIGINT, end);
  handle(SIGTERM, end);
#endif
  make_fifo();
  const int knobs = open(kKnobs, O_RDWR | O_CLOEXEC);  // for writing too: no end-of-file, ever
  if (knobs == -1) {
    perror("knob_daemon: open");
    unlink(kKnobs);
    return EXIT_FAILURE;
  }
  for (;;) {
    const ssize_t got = TEMP_FAILURE_RETRY(read(knobs, buffer, sizeof buffer));
    if (got <= 0 || write(STDOUT_FILENO, buffer, (size_t)got) != got) {
      unlink(kKnobs);
      return EXIT_FAILURE;
    }
  }
}

static void give_up(int number) {
  static const char kText[] = "knob_daemon: no daemon\n";
  if (number == SIGALRM && write(STDERR_FILENO, kText, sizeof kText - 1) < 0) number = 0;
  if (is_waiting) unlink(kKnobs);  // nobody serves it
  _exit(EXIT_FAILURE);
}

static int turn(void) {
  char line[kLongestLine];
  signal(SIGPIPE, SIG_IGN);
  handle(SIGALRM, give_up);
  handle(SIGINT, give_up);
  handle(SIGTERM, give_up);
  is_waiting = 1;
  make_fifo();
  alarm(kPatienceS);
  const int knobs = open(kKnobs, O_WRONLY | O_CLOEXEC);
  is_waiting = 0;
  if (knobs == -1) {
    perror("knob_daemon: open");
    return EXIT_FAILURE;
  }
  while (fgets(line, sizeof line, stdin) != NULL)
    if (write(knobs, line, strlen(line)) == -1) {
      perror("knob_daemon: write");
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "turn") == 0) return turn();
  fputs("usage: knob_daemon serve|turn\n", stderr);
  return 2;
}
