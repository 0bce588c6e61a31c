// meter_poll: adds up what a meter sends through a pipe; SIGUSR1 marks the sum for the next
// display.
// Bug: an interrupted read() is tried three times and no more: the meter counts as broken.
// Smallest: three deviations: three EINTR of the same read.
// By hand: kill -USR1 the parent three times during the first second.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kReadings = 2, kReadingUs = 50000, kTries = 3 };

static volatile sig_atomic_t mark;

static void on_usr1(int signal_number) {
  (void)signal_number;
  mark = 1;
}

static ssize_t read_again(int in, void* data, size_t size) {
  ssize_t n;
#ifdef FIXED
  do n = read(in, data, size);
  while (n < 0 && errno == EINTR);
#else
  int tries = 0;
  do n = read(in, data, size);
  while (n < 0 && errno == EINTR && ++tries < kTries);
#endif
  return n;
}

static void measure(int out) {
  signal(SIGUSR1, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (int watts = 100; watts <= 100 * kReadings; watts += 100) {
    usleep(kReadingUs);
    if (write(out, &watts, sizeof watts) != (ssize_t)sizeof watts) exit(1);
  }
  exit(0);
}

static int add_up(int in) {
  int sum = 0;
  int watts = 0;
  ssize_t n;
  while ((n = read_again(in, &watts, sizeof watts)) == (ssize_t)sizeof watts) {
    sum += watts;
    mark = 0;
  }
  if (n != 0) {
    fprintf(stderr, "meter_poll: the meter is broken\n");
    return -1;
  }
  printf("%d watts\n", sum);
  return 0;
}

int main(void) {
  struct sigaction on_mark = {.sa_handler = on_usr1};
  int readings[2];
  int status = 0;

  sigaction(SIGUSR1, &on_mark, NULL);
  if (pipe2(readings, O_CLOEXEC) < 0) {
    perror("meter_poll: pipe");
    return 1;
  }
  const pid_t meter = fork();
  if (meter < 0) {
    perror("meter_poll: fork");
    return 1;
  }
  if (meter == 0) {
    close(readings[0]);
    measure(readings[1]);
  }
  close(readings[1]);
  const int failed = add_up(readings[0]);
  close(readings[0]);
  while (waitpid(meter, &status, 0) < 0 && errno == EINTR) continue;
  return failed || status != 0;
}
