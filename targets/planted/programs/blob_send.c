// blob_send: a renderer sends a picture, its size first, through a pipe to the process that stores
// it.
// Bug: the picture is sent with one write(), which may take only a part; the rest is never sent.
// Smallest: one short write, which SIGSTOP and SIGCONT make of any write that has to wait for room
// (pipe(7)). By hand: SIGSTOP the parent, let the child write, SIGSTOP and SIGCONT the child,
// SIGCONT the parent.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPicture = 120000 };
static char picture[kPicture];

static int send_all(int out, const char* data, size_t size) {
#ifdef FIXED
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(out, data + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    done += (size_t)n;
  }
  return 0;
#else
  return write(out, data, size) < 0 ? -1 : 0;
#endif
}

static int render(int out) {
  const size_t size = sizeof picture;
  for (size_t i = 0; i < size; ++i) picture[i] = (char)(i % 251);
  if (send_all(out, (const char*)&size, sizeof size) < 0) return 1;
  return send_all(out, picture, size) < 0 ? 1 : 0;
}

static size_t receive(int in, char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(in, data + done, size - done);
    if (n <= 0) break;
    done += (size_t)n;
  }
  return done;
}

static int store(int in) {
  size_t size = 0;
  unsigned sum = 0;
  if (receive(in, (char*)&size, sizeof size) != sizeof size || size > sizeof picture) return -1;
  const size_t got = receive(in, picture, size);
  for (size_t i = 0; i < got; ++i) sum += (unsigned char)picture[i];
  if (got == size) printf("stored %zu bytes, sum %u\n", got, sum);
  return got == size ? 0 : -1;
}

int main(void) {
  int blobs[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(blobs, O_CLOEXEC) < 0) {
    perror("blob_send: pipe");
    return 1;
  }
  const pid_t renderer = fork();
  if (renderer < 0) {
    perror("blob_send: fork");
    return 1;
  }
  if (renderer == 0) {
    close(blobs[0]);
    exit(render(blobs[1]));
  }
  close(blobs[1]);
  const int cut = store(blobs[0]);
  close(blobs[0]);
  waitpid(renderer, &status, 0);
  if (cut) fprintf(stderr, "blob_send: the picture is cut\n");
  return cut || status != 0;
}
