// A recorder makes a FIFO for events and reads it until its own source, a child, has closed it.
// Bug: it was once a daemon and still clears the umask before it makes the FIFO with mode 0666,
// which therefore everybody may write to.
// Smallest deviation: none (by hand: ls -l events while it runs).
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

enum { kEvents = 3, kPatienceS = 10 };

static const char kFifo[] = "events";

static void give_up(int number) {
  (void)number;
  unlink(kFifo);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_fifo(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  struct stat status;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
#ifdef FIXED
  umask(077);
#else
  umask(0);
#endif
  if (mkfifo(kFifo, 0666) == 0) return;
  const int is_fifo = errno == EEXIST && lstat(kFifo, &status) == 0 && S_ISFIFO(status.st_mode);
  if (is_fifo && chmod(kFifo, 0600) == 0) return;  // left by a run that was killed
  fputs("event_fifo: cannot make events\n", stderr);
  exit(EXIT_FAILURE);
}

static int send_events(void) {
  char event[64];
  const int fifo = open(kFifo, O_WRONLY | O_CLOEXEC);
  if (fifo == -1) die("event_fifo: open");
  for (int i = 0; i < kEvents; ++i) {
    const int length = snprintf(event, sizeof event, "event %d of %d\n", 1 + i, kEvents);
    if (write(fifo, event, (size_t)length) != length) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

int main(void) {
  char line[64];
  int status = 0;
  make_fifo();
  const pid_t source = fork();
  if (source == -1) die("event_fifo: fork");
  alarm(kPatienceS);  // the other may die before it opens
  if (source == 0) return send_events();
  FILE* const events = fopen(kFifo, "re");
  if (events == NULL) die("event_fifo: open");
  unlink(kFifo);  // both have it open
  while (fgets(line, sizeof line, events) != NULL) fputs(line, stdout);
  fclose(events);
  TEMP_FAILURE_RETRY(waitpid(source, &status, 0));
  return status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
