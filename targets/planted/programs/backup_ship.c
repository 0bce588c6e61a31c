// backup_ship: ships numbered blocks through a pipe to the process that keeps the backup.
// Bug: a block that was taken in part is sent again from its start, behind the part that is in the
// pipe already.
// Smallest: one short write.
// By hand: as in blob_send.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kBlocks = 2, kBlock = 80000 };

static int ship_block(int out, const char* block) {
  size_t done = 0;
  while (done < kBlock) {
    const ssize_t n = write(out, block + done, kBlock - done);
    if (n < 0 && errno != EINTR) return -1;
#ifdef FIXED
    if (n > 0) done += (size_t)n;
#else
    if (n == (ssize_t)kBlock) done = kBlock;
#endif
  }
  return 0;
}

static int ship(int out) {
  int failed = 0;
  char* block = malloc(kBlock);
  if (block == NULL) return 1;
  for (int i = 0; i < kBlocks && !failed; ++i) {
    memset(block, '0' + i, kBlock);
    failed = ship_block(out, block);
  }
  free(block);
  return failed ? 1 : 0;
}

static void keep(int in, size_t counts[kBlocks + 1]) {
  char chunk[16384];
  ssize_t n;
  while ((n = read(in, chunk, sizeof chunk)) > 0)
    for (ssize_t i = 0; i < n; ++i) {
      const int block = chunk[i] - '0';
      ++counts[block >= 0 && block < kBlocks ? block : kBlocks];
    }
}

int main(void) {
  int blocks[2];
  int status = 0;
  size_t counts[kBlocks + 1] = {0};

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(blocks, O_CLOEXEC) < 0) {
    perror("backup_ship: pipe");
    return 1;
  }
  const pid_t shipper = fork();
  if (shipper < 0) {
    perror("backup_ship: fork");
    return 1;
  }
  if (shipper == 0) {
    close(blocks[0]);
    exit(ship(blocks[1]));
  }
  close(blocks[1]);
  keep(blocks[0], counts);
  close(blocks[0]);
  waitpid(shipper, &status, 0);
  for (int i = 0; i < kBlocks; ++i) printf("block %d: %zu bytes\n", i, counts[i]);
  return status == 0 ? 0 : 1;
}
