// frame_push: a camera process pushes frames through a pipe to the process that shows them.
// Bug: SIGPIPE is ignored and every failed write is taken for an interrupted one, so that a dead
// display makes the camera write for ever.
// Smallest: the display is killed.
// By hand: kill -9 the child during the first second; the parent takes a whole CPU.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kFrames = 4, kFrameBytes = 2048, kFrameTimeUs = 40000 };

static int write_all(int fd, const char* data, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(fd, data + done, size - done);
    if (n < 0) {
#ifdef FIXED
      if (errno != EINTR) return -1;
#endif
      continue;
    }
    done += (size_t)n;
  }
  return 0;
}

static int read_all(int fd, char* data, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(fd, data + done, size - done);
    if (n <= 0) return -1;
    done += (size_t)n;
  }
  return 0;
}

static int display(int in) {
  char frame[kFrameBytes];
  int shown = 0;
  while (read_all(in, frame, sizeof frame) == 0) printf("display: frame %d, %c\n", ++shown, *frame);
  return shown == kFrames ? 0 : 1;
}

static int film(int out) {
  char frame[kFrameBytes];
  for (int i = 0; i < kFrames; ++i) {
    memset(frame, 'a' + i, sizeof frame);
    if (write_all(out, frame, sizeof frame) < 0) return -1;
    usleep(kFrameTimeUs);
  }
  return 0;
}

int main(void) {
  int frames[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(frames, O_CLOEXEC) < 0) {
    perror("frame_push: pipe");
    return 1;
  }
  const pid_t screen = fork();
  if (screen < 0) {
    perror("frame_push: fork");
    return 1;
  }
  if (screen == 0) {
    close(frames[1]);
    exit(display(frames[0]));
  }
  close(frames[0]);

  if (film(frames[1]) < 0) perror("frame_push: display");
  close(frames[1]);
  waitpid(screen, &status, 0);
  if (status != 0) fprintf(stderr, "frame_push: the display has failed\n");
  return status == 0 ? 0 : 1;
}
