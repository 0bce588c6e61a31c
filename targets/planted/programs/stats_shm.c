// stats_shm: a server publishes its statistics in a shared memory segment, a viewer shows them and
// says so there. Bug: the viewer trusts a segment that says READY; the segment of a run that was
// killed says so too, until the next server has come to clear it.
// Smallest: one preemption: the viewer runs before the server has attached (an old segment is
// there). By hand: make the segment with a server that is killed while it waits; stats_shm show;
// stats_shm publish
// SPDX-License-Identifier: MIT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

static const key_t kKey = 0x73746174;
static int segment = -1;
enum { kTries = 50, kTryUs = 100000 };

// Text, padded with blanks: people look at it with a debugger too.
struct Stats {
  volatile char state[8];
  volatile char run[8];  // number that the scheduler gives to both, in RUN
  volatile char line[48];
};

static void end(int signal_number) {
  (void)signal_number;
  shmctl(segment, IPC_RMID, NULL);
  _exit(1);
}

static void set(volatile char* field, size_t size, const char* text) {
  const size_t length = strlen(text);
  for (size_t i = 0; i < size; ++i) field[i] = i < length ? text[i] : ' ';
}

static int is(const volatile char* field, size_t size, const char* text) {
  const size_t length = strlen(text);
  for (size_t i = 0; i < size; ++i)
    if (field[i] != (i < length ? text[i] : ' ')) return 0;
  return 1;
}

static const char* this_run(void) {
  const char* run = getenv("RUN");
  return run == NULL ? "0" : run;
}

static struct Stats* attach(int flags) {
  segment = shmget(kKey, sizeof(struct Stats), flags);
  return segment < 0 ? (void*)-1 : shmat(segment, NULL, 0);
}

static int publish(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &on_end, NULL);
  struct Stats* stats = attach(IPC_CREAT | 0600);
  if (stats == (void*)-1) {
    perror("stats_shm: segment");
    return 1;
  }
  set(stats->state, sizeof stats->state, "EMPTY");
  set(stats->run, sizeof stats->run, this_run());
  set(stats->line, sizeof stats->line, "1204 requests, 3 errors");
  set(stats->state, sizeof stats->state, "READY");

  int seen = 0;
  for (int i = 0; i < kTries && !seen; ++i) {
    usleep(kTryUs);
    seen = is(stats->state, sizeof stats->state, "SEEN");
  }
  shmdt(stats);
  shmctl(segment, IPC_RMID, NULL);
  if (!seen) fprintf(stderr, "stats_shm: nobody has looked\n");
  return !seen;
}

static int is_ready(const struct Stats* stats) {
#ifdef FIXED
  if (!is(stats->run, sizeof stats->run, this_run())) return 0;
#endif
  return is(stats->state, sizeof stats->state, "READY");
}

static int show(void) {
  for (int i = 0; i < kTries; ++i) {
    struct Stats* stats = attach(0);
    if (stats != (void*)-1) {
      const int ready = is_ready(stats);
      if (ready) {
        printf("%.*s\n", (int)sizeof stats->line, (const char*)stats->line);
        set(stats->state, sizeof stats->state, "SEEN");
      }
      shmdt(stats);
      if (ready) return 0;
    }
    usleep(kTryUs);
  }
  fprintf(stderr, "stats_shm: no server\n");
  return 1;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "publish") == 0) return publish();
  if (argc == 2 && strcmp(argv[1], "show") == 0) return show();
  fprintf(stderr, "usage: stats_shm publish | show\n");
  return 2;
}
