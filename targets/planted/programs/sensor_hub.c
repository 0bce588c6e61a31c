// A hub polls the pipes of three sensors until each has sent its last reading.
// Bug: it looks at POLLIN only; the pipe of a sensor that died early reports POLLHUP, at once and
// for ever, so poll never waits again.
// Smallest deviation: one sensor is killed (by hand: kill -9 a child stopped in a debugger).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSensors = 3, kReadings = 3 };

struct reading {
  int value;
  int is_last;
};

struct sensor {
  int sum;
  int is_done;
};

static void measure(int index, int fd) {
  for (int i = 0; i < kReadings; ++i) {
    const struct reading reading = {.value = 10 * index + i, .is_last = i + 1 == kReadings};
    if (write(fd, &reading, sizeof reading) == -1) _exit(EXIT_FAILURE);
  }
  _exit(EXIT_SUCCESS);
}

static int start_sensor(int index, struct pollfd* watched) {
  int ends[2];
  if (pipe(ends) == -1) return 0;
  const pid_t pid = fork();
  if (pid == -1) return 0;
  if (pid == 0) {
    for (int i = 0; i < index; ++i) close(watched[i].fd);
    close(ends[0]);
    measure(index, ends[1]);
  }
  close(ends[1]);
  watched[index] = (struct pollfd){.fd = ends[0], .events = POLLIN};
  return 1;
}

// Takes one reading; a sensor without more is not watched any longer.
static void take(struct sensor* sensor, struct pollfd* watched) {
  struct reading reading;
  if (read(watched->fd, &reading, sizeof reading) == (ssize_t)sizeof reading) {
    sensor->sum += reading.value;
    sensor->is_done = reading.is_last;
    if (!reading.is_last) return;
  }
  close(watched->fd);
  watched->fd = -1;
}

int main(void) {
  struct sensor sensors[kSensors] = {0};
  struct pollfd watched[kSensors];
  int done = 0;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kSensors; ++i)
    if (!start_sensor(i, watched)) {
      perror("sensor_hub: start");
      return EXIT_FAILURE;
    }
  for (int open_count = kSensors; open_count > 0;) {
    if (TEMP_FAILURE_RETRY(poll(watched, kSensors, -1)) == -1) {
      perror("sensor_hub: poll");
      return EXIT_FAILURE;
    }
    for (int i = 0; i < kSensors; ++i) {
#ifdef FIXED
      const int is_ready = (watched[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
#else
      const int is_ready = (watched[i].revents & POLLIN) != 0;
#endif
      if (watched[i].fd == -1 || !is_ready) continue;
      take(&sensors[i], &watched[i]);
      if (watched[i].fd == -1) --open_count;
    }
  }
  while (wait(NULL) > 0) continue;
  for (int i = 0; i < kSensors; ++i) {
    printf("sensor %d: %d%s\n", i, sensors[i].sum, sensors[i].is_done ? "" : " (incomplete)");
    done += sensors[i].is_done;
  }
  return done == kSensors ? EXIT_SUCCESS : EXIT_FAILURE;
}
