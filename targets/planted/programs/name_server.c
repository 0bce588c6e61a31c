// name_server: answers names of hosts. Requests come through one FIFO, each answer goes to the
// client's own.
// Bug: the server opens the client's FIFO as if somebody had to be reading there: after a client's
// death it waits in open() for ever, and all others with it.
// Smallest: one client is killed between its request and its answer. By hand: name_server serve &
// SIGSTOP it; name_server ask a & kill -9 that; SIGCONT; name_server ask b
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char kRequests[] = "ns.requests";
static char own_fifo[32];
enum { kTries = 50, kTryUs = 100000 };

struct Request {
  char fifo[32];
  char host[32];
};

struct Answer {
  char address[32];
};

static void end(int signal_number) {
  (void)signal_number;
  unlink(own_fifo);
  _exit(0);
}

static void make_own_fifo(const char* name) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  struct stat info;

  signal(SIGPIPE, SIG_IGN);
  snprintf(own_fifo, sizeof own_fifo, "%s", name);
  sigaction(SIGTERM, &on_end, NULL);
  sigaction(SIGINT, &on_end, NULL);
  if ((mkfifo(own_fifo, 0600) < 0 && errno != EEXIST) || stat(own_fifo, &info) < 0 ||
      !S_ISFIFO(info.st_mode)) {
    fprintf(stderr, "name_server: cannot make the FIFO %s\n", name);
    exit(1);
  }
}

static void answer(const struct Request* request) {
  struct Answer reply;
#ifdef FIXED
  const int out = open(request->fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (out < 0 && errno == ENXIO) unlink(request->fifo);
#else
  const int out = open(request->fifo, O_WRONLY | O_CLOEXEC);
#endif
  if (out < 0) return;
  snprintf(reply.address, sizeof reply.address, "10.0.0.%zu", strlen(request->host));
  if (write(out, &reply, sizeof reply) < 0) perror("name_server: client");
  close(out);
}

static int serve(void) {
  struct Request request;
  make_own_fifo(kRequests);
  const int in = open(kRequests, O_RDWR | O_CLOEXEC);
  while (in >= 0 && read(in, &request, sizeof request) == (ssize_t)sizeof request) answer(&request);
  perror("name_server: requests");
  unlink(kRequests);
  return 1;
}

static int ask(const char* client, const char* host) {
  struct Request request = {"", ""};
  struct Answer reply;
  int server = -1;

  snprintf(request.fifo, sizeof request.fifo, "ns.%s", client);
  snprintf(request.host, sizeof request.host, "%s", host);
  make_own_fifo(request.fifo);
  const int in = open(request.fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  for (int i = 0; i < kTries && in >= 0 && server < 0; ++i) {
    server = open(kRequests, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (server < 0) usleep(kTryUs);
  }
  ssize_t got = 0;
  if (server >= 0 && write(server, &request, sizeof request) == (ssize_t)sizeof request) {
    // The request FIFO tells of the server's death: POLLERR once nobody reads there.
    struct pollfd look[] = {{.fd = in, .events = POLLIN}, {.fd = server, .events = 0}};
#ifdef FIXED
    for (int i = 0; i < kTries && poll(look, 2, kTryUs / 1000) <= 0; ++i) continue;
#else
    while (poll(look, 2, -1) < 0 && errno == EINTR) continue;
#endif
    got = read(in, &reply, sizeof reply);
  }
  unlink(request.fifo);
  if (got != (ssize_t)sizeof reply) {
    fprintf(stderr, "name_server: no answer\n");
    return 1;
  }
  printf("%s is %s\n", host, reply.address);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 4 && strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3]);
  fprintf(stderr, "usage: name_server serve | ask CLIENT HOST\n");
  return 2;
}
