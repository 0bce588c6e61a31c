// A viewer looks at three pixels of the picture that a camera puts into shared memory; whoever
// comes first makes the segment.
// Bug: the camera was built for small pictures; if it comes first the segment is too small, and the
// viewer, which takes whatever size is there, reads beyond its end.
// Smallest deviation: the camera runs before the viewer has made the segment (by hand: a
// breakpoint on the viewer's shmget).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kWidth = 1920, kHeight = 1080, kWhite = 255 };
#ifdef FIXED
enum { kCameraWidth = kWidth, kCameraHeight = kHeight };
#else
enum { kCameraWidth = 320, kCameraHeight = 240 };
#endif

struct pixel {
  unsigned char red, green, blue, alpha;
};

static key_t key;
static pid_t camera;

static void remove_segment(void) {
  const int segment = shmget(key, 0, 0);
  if (segment != -1) shmctl(segment, IPC_RMID, NULL);
}

// The camera could make the segment again, so it has to end first.
static void give_up(int number) {
  (void)number;
  if (camera > 0) {
    kill(camera, SIGTERM);
    waitpid(camera, NULL, 0);
  }
  remove_segment();
  _exit(EXIT_FAILURE);
}

static struct pixel* attach(int width, int height) {
  const size_t size = (size_t)width * (size_t)height * sizeof(struct pixel);
  int segment = shmget(key, size, IPC_CREAT | 0600);
  if (segment == -1 && errno == EINVAL) segment = shmget(key, 0, 0600);
  struct pixel* picture = segment == -1 ? (void*)-1 : shmat(segment, NULL, 0);
  if (picture != (void*)-1) return picture;
  perror("frame_view: segment");
  return NULL;
}

static int take_picture(int ready) {
  struct pixel* picture = attach(kCameraWidth, kCameraHeight);
  if (picture != NULL) {
    for (int i = 0; i < 320; ++i) picture[i].green = kWhite;
    if (write(ready, "", 1) == 1) return EXIT_SUCCESS;
  }
  remove_segment();  // the viewer is gone
  return EXIT_FAILURE;
}

static void show(const struct pixel* picture) {
  printf("top %d, middle %d, bottom %d\n", picture[0].green, picture[kWidth * (kHeight / 2)].green,
         picture[kWidth * (kHeight - 1)].green);
}

int main(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  int ready[2];
  int status = 0;
  char byte = 0;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  signal(SIGPIPE, SIG_IGN);
  if (pipe(ready) == -1) {
    perror("frame_view: pipe");
    return EXIT_FAILURE;
  }
  key = 0x46560000 | (getpid() & 0xffff);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  camera = fork();
  if (camera == -1) {
    perror("frame_view: fork");
    return EXIT_FAILURE;
  }
  if (camera == 0) {
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    close(ready[0]);
    return take_picture(ready[1]);
  }
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
  close(ready[1]);
  const struct pixel* picture = attach(kWidth, kHeight);
  if (picture == NULL) give_up(0);
  const int is_ready = TEMP_FAILURE_RETRY(read(ready[0], &byte, 1)) == 1;
  sigprocmask(SIG_BLOCK, &stop, NULL);  // the camera has nothing more to wait for
  waitpid(camera, &status, 0);
  remove_segment();
  if (!is_ready || status != 0) {
    fputs("frame_view: the camera failed\n", stderr);
    return EXIT_FAILURE;
  }
  show(picture);
  return EXIT_SUCCESS;
}
