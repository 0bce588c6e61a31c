// Two ends exchange one text each over two FIFOs: `talk_fifo left right` and `talk_fifo right
// left`.
// Bug: who finds the other's inbox made takes the other to be waiting already and opens that one
// first; if each made its own before looking for the other's, both open for writing and wait.
// Smallest deviation: the first end is preempted between its two mkfifo calls (by hand: a
// breakpoint there while the other end starts).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kLongestText = 1024, kPatienceS = 10 };

static char inbox[64];
static char outbox[64];

static void die(const char* what) {
  perror(what);
  unlink(inbox);
  unlink(outbox);
  exit(EXIT_FAILURE);
}

static void give_up(int number) {
  static const char kText[] = "talk_fifo: nobody there\n";
  if (number == SIGALRM && write(STDERR_FILENO, kText, sizeof kText - 1) < 0) number = 0;
  unlink(inbox);
  unlink(outbox);
  _exit(EXIT_FAILURE);
}

static void watch_signals(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

// Whether the FIFO was already there.
static int make_fifo(const char* path) {
  struct stat status;
  if (mkfifo(path, 0600) == 0) return 0;
  if (errno != EEXIST || lstat(path, &status) == -1) die(path);
  if (S_ISFIFO(status.st_mode)) return 1;
  fprintf(stderr, "talk_fifo: %s is no FIFO\n", path);
  if (path == outbox) unlink(inbox);
  exit(EXIT_FAILURE);
}

static int open_fifo(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC);
  if (fd == -1) die(path);
  return fd;
}

// Opens both FIFOs; once both ends have them open, nobody needs the names.
static void meet(int* in, int* out) {
  make_fifo(inbox);
  const int is_other_up = make_fifo(outbox);
#ifdef FIXED
  (void)is_other_up;
  const int calls = strcmp(inbox, outbox) > 0;
  alarm(kPatienceS);
#else
  const int calls = is_other_up;
#endif
  if (calls) *out = open_fifo(outbox, O_WRONLY);
  *in = open_fifo(inbox, O_RDONLY);
  if (!calls) *out = open_fifo(outbox, O_WRONLY);
  unlink(inbox);
  unlink(outbox);
}

int main(int argc, char** argv) {
  char text[kLongestText];
  int in = -1;
  int out = -1;
  if (argc != 3) {
    fputs("usage: talk_fifo ME OTHER\n", stderr);
    return 2;
  }
  snprintf(inbox, sizeof inbox, "%s.inbox", argv[1]);
  snprintf(outbox, sizeof outbox, "%s.inbox", argv[2]);
  watch_signals();
  const size_t length = fread(text, 1, sizeof text, stdin);
  meet(&in, &out);
  if (write(out, text, length) < 0) perror("talk_fifo: send");
  close(out);
  size_t total = 0;
  for (;;) {
    const ssize_t got = TEMP_FAILURE_RETRY(read(in, text, sizeof text));
    if (got < 0) die("talk_fifo: read");
    if (got == 0) break;
    fwrite(text, 1, (size_t)got, stdout);
    total += (size_t)got;
  }
  return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
