// Counts words: the lines of standard input go in turn to two counting workers behind pipes.
// Bug: the second worker inherits the write end of the first one's pipe and never closes it, so
// the first sees no end-of-file and the pool waits for its count for ever.
// Smallest deviation: none, the calm run deadlocks (by hand: seq 9 | word_pool).
// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWorkers = 2, kLongestLine = 256 };

struct worker {
  pid_t pid;
  int to;    // lines
  int from;  // one count
};

static struct worker pool[kWorkers];

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static uint32_t count_words(int lines) {
  char chunk[kLongestLine];
  uint32_t words = 0;
  int inside = 0;
  for (;;) {
    const ssize_t got = read(lines, chunk, sizeof chunk);
    if (got < 0) _exit(EXIT_FAILURE);
    if (got == 0) return words;
    for (ssize_t i = 0; i < got; ++i) {
      const int letter = !isspace((unsigned char)chunk[i]);
      words += letter && !inside;
      inside = letter;
    }
  }
}

static void start_worker(int index) {
  int lines[2];
  int counts[2];
  if (pipe(lines) == -1 || pipe(counts) == -1) die("word_pool: pipe");
  const pid_t pid = fork();
  if (pid == -1) die("word_pool: fork");
  if (pid == 0) {
    close(lines[1]);
    close(counts[0]);
#ifdef FIXED
    for (int i = 0; i < index; ++i) {
      close(pool[i].to);
      close(pool[i].from);
    }
#endif
    const uint32_t words = count_words(lines[0]);
    const int ok = write(counts[1], &words, sizeof words) == (ssize_t)sizeof words;
    _exit(ok ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  close(lines[0]);
  close(counts[1]);
  pool[index] = (struct worker){.pid = pid, .to = lines[1], .from = counts[0]};
}

// The worker's count, or -1 if it failed.
static long finish_worker(struct worker* worker) {
  uint32_t words = 0;
  int status = 0;
  close(worker->to);
  const ssize_t got = read(worker->from, &words, sizeof words);
  close(worker->from);
  if (waitpid(worker->pid, &status, 0) == -1 || status != 0) return -1;
  return got == (ssize_t)sizeof words ? (long)words : -1;
}

int main(void) {
  char line[kLongestLine];
  long total = 0;
  int failed = 0;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kWorkers; ++i) start_worker(i);
  // Each line is shorter than PIPE_BUF: written whole or not at all.
  for (int i = 0; fgets(line, sizeof line, stdin) != NULL; i = (i + 1) % kWorkers)
    if (write(pool[i].to, line, strlen(line)) < 0) failed = 1;
  for (int i = 0; i < kWorkers; ++i) {
    const long words = finish_worker(&pool[i]);
    if (words < 0) failed = 1;
    total += words;
  }
  if (failed) {
    fputs("word_pool: a worker failed\n", stderr);
    return EXIT_FAILURE;
  }
  printf("%ld words\n", total);
  return EXIT_SUCCESS;
}
