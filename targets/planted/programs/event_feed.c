// event_feed: publishes events through a pipe until the subscriber says STOP on a second one.
// Bug: the subscriber closes the event pipe as soon as it has said STOP; a publisher between its
// look at the control pipe and its write has no reader left and dies of SIGPIPE.
// Smallest: one preemption before the publisher's write of the third event.
// By hand: gdb, break the parent on the third write until the child has ended.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kEvents = 4, kWanted = 2 };

struct Event {
  int id;
  char text[60];
};

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int subscribe(int events, int control) {
  // Writes of one event are atomic, so a read of whole events returns whole events (pipe(7)).
  struct Event batch[kEvents];
  ssize_t got;
  int seen = 0;
#ifdef FIXED
  while ((got = read(events, batch, sizeof batch)) > 0) {
#else
  while (seen < kWanted && (got = read(events, batch, sizeof batch)) > 0) {
#endif
    for (size_t i = 0; i < (size_t)got / sizeof batch[0] && seen < kWanted; ++i) {
      printf("subscriber: event %d: %s\n", batch[i].id, batch[i].text);
      if (++seen == kWanted && write(control, "STOP", 4) < 0) die("subscriber: control");
    }
  }
  close(events);
  close(control);
  return seen == kWanted ? 0 : 1;
}

static int wants_to_stop(int control) {
  struct pollfd look = {.fd = control, .events = POLLIN};
  return poll(&look, 1, 0) > 0;
}

static void publish(int events, int control) {
  for (int id = 1; id <= kEvents && !wants_to_stop(control); ++id) {
    struct Event event = {.id = id};
    snprintf(event.text, sizeof event.text, "door %d opened", id);
    if (write(events, &event, sizeof event) < 0) break;
  }
}

int main(void) {
  int events[2], control[2];
  char word[8] = "";
  int status = 0;

#ifdef FIXED
  signal(SIGPIPE, SIG_IGN);
#endif
  if (pipe2(events, O_CLOEXEC) < 0 || pipe2(control, O_CLOEXEC) < 0) die("event_feed: pipe");
  const pid_t subscriber = fork();
  if (subscriber < 0) die("event_feed: fork");
  if (subscriber == 0) {
    close(events[1]);
    close(control[0]);
    exit(subscribe(events[0], control[1]));
  }
  close(events[0]);
  close(control[1]);

  publish(events[1], control[0]);
  close(events[1]);
  const ssize_t got = read(control[0], word, sizeof word - 1);
  waitpid(subscriber, &status, 0);
  if (got <= 0 || strcmp(word, "STOP") != 0 || status != 0) {
    fprintf(stderr, "event_feed: the subscriber left without a word\n");
    return 1;
  }
  printf("event_feed: the subscriber said %s\n", word);
  return 0;
}
