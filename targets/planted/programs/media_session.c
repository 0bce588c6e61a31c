// media_session: a player asks for a session; the server names a FIFO, and the player writes its
// titles there.
// Bug: the name is told before the FIFO is made: a quick player finds nothing and leaves, and the
// server waits in open() for a player that will not come.
// Smallest: one preemption of the server between its answer and mkfifo.
// By hand: gdb, break the parent on mkfifo until the child has ended.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char kSession[] = "session.7";

static void end(int signal_number) {
  (void)signal_number;
  unlink(kSession);
  _exit(1);
}

static void die(const char* what) {
  perror(what);
  unlink(kSession);
  exit(1);
}

static int play(int requests, int answers) {
  static const char kTitles[] = "overture\nfinale\n";
  char name[32] = "";
  if (write(requests, "OPEN", 4) != 4) return 1;
  if (read(answers, name, sizeof name - 1) <= 0) return 1;
#ifdef FIXED
  const int out = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);  // the server reads there already
#else
  const int out = open(name, O_WRONLY | O_CLOEXEC);
#endif
  if (out < 0 || write(out, kTitles, strlen(kTitles)) < 0) {
    perror("player: session");
    return 1;
  }
  return 0;
}

static void copy(int in) {
  char text[128];
  ssize_t n;
  while ((n = read(in, text, sizeof text)) > 0) fwrite(text, 1, (size_t)n, stdout);
}

static void serve(int requests, int answers) {
  char request[8];
  if (read(requests, request, sizeof request) <= 0) return;
#ifdef FIXED
  if (mkfifo(kSession, 0600) < 0 && errno != EEXIST) die("server: mkfifo");
  const int in = open(kSession, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (in < 0 || write(answers, kSession, sizeof kSession) < 0) die("server: player");
  // Data, or the player's end: on the session or, had he not opened it, on the requests.
  struct pollfd look[] = {{.fd = in, .events = POLLIN}, {.fd = requests, .events = POLLIN}};
  while (poll(look, 2, -1) < 0 && errno == EINTR) continue;
  fcntl(in, F_SETFL, 0);
#else
  if (write(answers, kSession, sizeof kSession) < 0) die("server: player");
  if (mkfifo(kSession, 0600) < 0 && errno != EEXIST) die("server: mkfifo");
  const int in = open(kSession, O_RDONLY | O_CLOEXEC);
  if (in < 0) die("server: session");
#endif
  copy(in);
  close(in);
  unlink(kSession);
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  int requests[2], answers[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(requests, O_CLOEXEC) < 0 || pipe2(answers, O_CLOEXEC) < 0) die("media_session: pipe");
  const pid_t player = fork();
  if (player < 0) die("media_session: fork");
  if (player == 0) {
    close(requests[0]);
    close(answers[1]);
    exit(play(requests[1], answers[0]));
  }
  sigaction(SIGTERM, &on_end, NULL);
  close(requests[1]);
  close(answers[0]);

  serve(requests[0], answers[1]);
  waitpid(player, &status, 0);
  if (status != 0) fprintf(stderr, "media_session: the player failed\n");
  return status == 0 ? 0 : 1;
}
