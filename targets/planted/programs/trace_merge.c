// trace_merge: two probes send one big trace each to a collector, which counts what it gets from
// each.
// Bug: both write into one pipe; beyond PIPE_BUF a write is not atomic (pipe(7)), and the other's
// bytes may come between two parts of a trace.
// Smallest: one preemption: the other probe runs while the first one waits for room in the middle
// of its trace. By hand: SIGSTOP the collector between its first two reads until both probes wait.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kProbes = 2, kTrace = 90000 };

struct Header {
  int probe;
  int size;
};

static int send_all(int out, const char* data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(out, data + done, size - done);
    if (n < 0 && errno != EINTR) return -1;
    if (n > 0) done += (size_t)n;
  }
  return 0;
}

static int probe(int out, int number) {
  static char message[sizeof(struct Header) + kTrace];
  const struct Header header = {.probe = number, .size = kTrace};
  memcpy(message, &header, sizeof header);
  memset(message + sizeof header, 'A' + number, kTrace);
  return send_all(out, message, sizeof message) < 0 ? 1 : 0;
}

static int read_all(int in, void* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(in, (char*)data + done, size - done);
    if (n <= 0) return -1;
    done += (size_t)n;
  }
  return 0;
}

static void collect(int in, int good[kProbes]) {
  static char trace[kTrace];
  struct Header header;
  while (read_all(in, &header, sizeof header) == 0) {
    if (header.probe < 0 || header.probe >= kProbes || header.size != kTrace) return;
    if (read_all(in, trace, sizeof trace) < 0) return;
    for (int i = 0; i < kTrace; ++i) good[header.probe] += trace[i] == 'A' + header.probe;
  }
}

int main(void) {
  int pipes[kProbes][2];
  int good[kProbes] = {0};
  pid_t probes[kProbes];
  int failed = 0;

  signal(SIGPIPE, SIG_IGN);
#ifdef FIXED
  const int count = kProbes;  // one pipe for each
#else
  const int count = 1;
#endif
  for (int i = 0; i < count; ++i)
    if (pipe2(pipes[i], O_CLOEXEC) < 0) {
      perror("trace_merge: pipe");
      return 1;
    }
  for (int i = 0; i < kProbes; ++i) {
    probes[i] = fork();
    if (probes[i] == 0) {
      for (int j = 0; j < count; ++j) {
        close(pipes[j][0]);
        if (j != i % count) close(pipes[j][1]);
      }
      exit(probe(pipes[i % count][1], i));
    }
  }
  for (int i = 0; i < count; ++i) close(pipes[i][1]);
  for (int i = 0; i < count; ++i) {
    collect(pipes[i][0], good);
    close(pipes[i][0]);
  }
  for (int i = 0; i < kProbes; ++i) {
    int status = 1;
    if (probes[i] > 0) waitpid(probes[i], &status, 0);
    failed |= status != 0;
    printf("probe %d: %d of %d samples\n", i, good[i], kTrace);
  }
  return failed;
}
