// archive_send: sends an archive through a pipe, and knows that write() may take only a part of it.
// Bug: it sends the rest once; when that is cut short too, what then remains is never sent.
// Smallest: two deviations: two short writes one after the other.
// By hand: as in blob_send, twice.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kArchive = 200000 };

static ssize_t write_some(int out, const char* data, size_t size) {
  ssize_t n;
  do n = write(out, data, size);
  while (n < 0 && errno == EINTR);
  return n;
}

static int send_archive(int out, const char* data, size_t size) {
  ssize_t n = write_some(out, data, size);
#ifdef FIXED
  while (n >= 0 && (size_t)n < size) {
#else
  if (n >= 0 && (size_t)n < size) {
#endif
    data += n;
    size -= (size_t)n;
    n = write_some(out, data, size);
  }
  return n < 0 ? -1 : 0;
}

static int pack(int out) {
  char* archive = malloc(kArchive);
  if (archive == NULL) return 1;
  for (size_t i = 0; i < kArchive; ++i) archive[i] = (char)('a' + i % 26);
  const int failed = send_archive(out, archive, kArchive);
  free(archive);
  return failed ? 1 : 0;
}

static size_t unpack(int in) {
  char chunk[16384];
  size_t at = 0;
  ssize_t n;
  while ((n = read(in, chunk, sizeof chunk)) > 0)
    for (ssize_t i = 0; i < n; ++i, ++at)
      if (chunk[i] != (char)('a' + at % 26)) return at;
  return at;
}

int main(void) {
  int archive[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(archive, O_CLOEXEC) < 0) {
    perror("archive_send: pipe");
    return 1;
  }
  const pid_t packer = fork();
  if (packer < 0) {
    perror("archive_send: fork");
    return 1;
  }
  if (packer == 0) {
    close(archive[0]);
    exit(pack(archive[1]));
  }
  close(archive[1]);
  const size_t good = unpack(archive[0]);
  close(archive[0]);
  waitpid(packer, &status, 0);
  printf("unpacked %zu of %d bytes\n", good, kArchive);
  return good != kArchive || status != 0;
}
