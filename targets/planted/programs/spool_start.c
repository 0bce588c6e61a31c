// spool_start: a spool daemon prints the lines that clients put into its FIFO.
// Bug: a client that comes first makes a plain file under the name, and the daemon takes whatever
// is there for its FIFO: at the end of the file it reads nothing, for ever.
// Smallest: the client runs before the daemon's first call.
// By hand: spool_start put; spool_start serve
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kSpool[] = "spool";
enum { kTries = 50, kTryUs = 100000 };

static void end(int signal_number) {
  (void)signal_number;
  unlink(kSpool);
  _exit(0);
}

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int serve(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  char text[256];

  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  if (mkfifo(kSpool, 0600) < 0 && errno != EEXIST) die("spool_start: mkfifo");
  // Both ways: the daemon stays when a client leaves (fifo(7)).
  const int in = open(kSpool, O_RDWR | O_CLOEXEC);
  if (in < 0) die("spool_start: open");
#ifdef FIXED
  struct stat info;
  if (fstat(in, &info) < 0 || !S_ISFIFO(info.st_mode)) {
    fprintf(stderr, "spool_start: %s is no FIFO\n", kSpool);
    exit(1);
  }
#endif
  setvbuf(stdout, NULL, _IOLBF, 0);
  ssize_t n;
  while ((n = read(in, text, sizeof text)) >= 0) fwrite(text, 1, (size_t)n, stdout);
  perror("spool_start: read");
  return 1;
}

static int open_spool(void) {
#ifdef FIXED
  for (int i = 0; i < kTries; ++i) {
    const int out = open(kSpool, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (out >= 0) return out;
    usleep(kTryUs);
  }
  return -1;
#else
  const int out = open(kSpool, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return out < 0 && errno == EEXIST ? open(kSpool, O_WRONLY | O_CLOEXEC) : out;
#endif
}

static int put(void) {
  static const char* const kJobs[] = {"invoice 17\n", "invoice 18\n"};
  signal(SIGPIPE, SIG_IGN);
  const int out = open_spool();
  if (out < 0) die("spool_start: no spooler");
  for (size_t i = 0; i < sizeof kJobs / sizeof kJobs[0]; ++i)
    if (write(out, kJobs[i], strlen(kJobs[i])) < 0) die("spool_start: spooler");
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "put") == 0) return put();
  fprintf(stderr, "usage: spool_start serve | put\n");
  return 2;
}
