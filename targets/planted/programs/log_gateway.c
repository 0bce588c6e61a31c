// log_gateway: a daemon that takes log lines from a FIFO and hands them to a formatter through a
// pipe.
// Bug: it cleans up when told to end, but dies of SIGPIPE when the formatter has died, and leaves
// its FIFO behind for clients to wait at.
// Smallest: the formatter is killed before the client's lines come.
// By hand: log_gateway serve & kill -9 its child; log_gateway send; ls gate.in
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char kGate[] = "gate.in";
enum { kTries = 50, kTryUs = 100000 };

static void end(int signal_number) {
  unlink(kGate);
  _exit(signal_number == SIGCHLD ? 1 : 0);
}

static int format(int in) {
  char line[128];
  int number = 0;
  FILE* lines = fdopen(in, "r");
  if (lines == NULL) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, lines) != NULL) printf("%04d %s", ++number, line);
  return 0;
}

static int open_gate(void) {
  struct stat info;
  if (mkfifo(kGate, 0600) < 0 && errno != EEXIST) return -1;
  // Both ways: the daemon stays when a client leaves (fifo(7)).
  const int gate = open(kGate, O_RDWR | O_CLOEXEC);
  if (gate >= 0 && fstat(gate, &info) == 0 && S_ISFIFO(info.st_mode)) return gate;
  fprintf(stderr, "log_gateway: %s is no FIFO\n", kGate);
  exit(1);
}

static int forward(int gate, int formatter) {
  char chunk[512];
  ssize_t n;
  while ((n = read(gate, chunk, sizeof chunk)) > 0)
    if (write(formatter, chunk, (size_t)n) < 0) return -1;
  return 0;
}

static int serve(void) {
  int lines[2];
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
#ifdef FIXED
  sigaction(SIGCHLD, &on_end, NULL);
  signal(SIGPIPE, SIG_IGN);
#endif
  const int gate = open_gate();
  const pid_t formatter = gate < 0 || pipe2(lines, O_CLOEXEC) < 0 ? -1 : fork();
  if (formatter == 0) {
    // Ends with its input.
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    close(gate);
    close(lines[1]);
    exit(format(lines[0]));
  }
  if (formatter > 0) {
    close(lines[0]);
    forward(gate, lines[1]);
  }
  perror("log_gateway: formatter");
  unlink(kGate);
  return 1;
}

static int send_lines(void) {
  static const char kLines[] = "link up\nlink down\nlink up\n";
  int gate = -1;
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < kTries && gate < 0; ++i) {
    gate = open(kGate, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (gate < 0) usleep(kTryUs);
  }
  if (gate < 0 || write(gate, kLines, strlen(kLines)) < 0) {
    perror("log_gateway: no gateway");
    return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "send") == 0) return send_lines();
  fprintf(stderr, "usage: log_gateway serve | send\n");
  return 2;
}
