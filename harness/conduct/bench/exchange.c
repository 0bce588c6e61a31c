// Two processes that exchange records through two FIFOs, eight unless told: some 40 calls that the
// conductor traps. exchange ping|pong [ROUNDS]. What the benchmark runs: bare, conducted and under
// strace.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make(const char* path) { return mkfifo(path, 0600) == 0 || errno == EEXIST ? 0 : -1; }

int main(int argc, char** argv) {
  const int first = argc > 1 && strcmp(argv[1], "ping") == 0;
  const unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 8;
  if (make("there") != 0 || make("back") != 0) return 1;
  // Both open the same FIFO first, or each would wait for the other.
  int out, in;
  if (first) {
    out = open("there", O_WRONLY);
    in = open("back", O_RDONLY);
  } else {
    in = open("there", O_RDONLY);
    out = open("back", O_WRONLY);
  }
  if (in < 0 || out < 0) return 1;
  for (unsigned i = 0; i < rounds; ++i) {
    char record[16];
    snprintf(record, sizeof record, "record %u", i % 1000u);
    if (first && write(out, record, sizeof record) != sizeof record) return 1;
    if (read(in, record, sizeof record) != sizeof record) return 1;
    if (!first && write(out, record, sizeof record) != sizeof record) return 1;
  }
  return 0;
}
