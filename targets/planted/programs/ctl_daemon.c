// ctl_daemon: a daemon that takes commands from a control FIFO.
// Bug: the FIFO of a run that was killed is a reason not to start, though it is only what that run
// left.
// Smallest: two deviations: the daemon is killed once it has made its FIFO, and is started again.
// By hand: ctl_daemon run & kill -9 it; ctl_daemon run
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kControl[] = "control";
enum { kTries = 50, kTryUs = 100000 };

static void end(int signal_number) {
  (void)signal_number;
  unlink(kControl);
  _exit(0);
}

static int is_fifo(const char* path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISFIFO(info.st_mode);
}

static void obey(const char* command, int* level) {
  if (strcmp(command, "louder") == 0) ++*level;
  if (strcmp(command, "quieter") == 0) --*level;
  printf("%s: level %d\n", command, *level);
}

static int run(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  char command[16];
  int level = 5;

  setvbuf(stdout, NULL, _IOLBF, 0);
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
#ifdef FIXED
  if (mkfifo(kControl, 0600) < 0 && (errno != EEXIST || !is_fifo(kControl))) {
#else
  if (mkfifo(kControl, 0600) < 0 || !is_fifo(kControl)) {
#endif
    perror("ctl_daemon: is another one running? control");
    return 1;
  }
  const int in = open(kControl, O_RDWR | O_CLOEXEC);
  while (in >= 0 && read(in, command, sizeof command) == (ssize_t)sizeof command) {
    command[sizeof command - 1] = '\0';
    obey(command, &level);
  }
  perror("ctl_daemon: control");
  unlink(kControl);
  return 1;
}

static int control(int count, char** commands) {
  int out = -1;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kTries && out < 0; ++i) {
    out = open(kControl, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (out < 0) usleep(kTryUs);
  }
  for (int i = 0; i < count && out >= 0; ++i) {
    char command[16] = "";
    strncpy(command, commands[i], sizeof command - 1);
    if (write(out, command, sizeof command) < 0) out = -1;
  }
  if (out < 0) fprintf(stderr, "ctl_daemon: the daemon does not run\n");
  return out < 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "run") == 0) return run();
  if (argc > 2 && strcmp(argv[1], "tell") == 0) return control(argc - 2, argv + 2);
  fprintf(stderr, "usage: ctl_daemon run | tell COMMAND...\n");
  return 2;
}
