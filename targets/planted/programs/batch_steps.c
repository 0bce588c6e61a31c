// batch_steps: runs the steps of a nightly batch one after the other; SIGHUP asks it to take its
// settings anew.
// Bug: a waitpid() that SIGHUP has interrupted is taken for a step that failed: the batch ends, its
// step runs on.
// Smallest: one EINTR of a waitpid.
// By hand: kill -HUP the parent during the first second.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kStepUs = 20000 };

static volatile sig_atomic_t reload_wanted;

static void on_hup(int signal_number) {
  (void)signal_number;
  reload_wanted = 1;
}

static int is_verbose(void) {
  reload_wanted = 0;
  return getenv("BATCH_QUIET") == NULL;
}

static pid_t start_step(void) {
  const pid_t step = fork();
  if (step == 0) {
    signal(SIGHUP, SIG_IGN);
    usleep(kStepUs);
    _exit(0);
  }
  return step;
}

static int wait_for(pid_t step) {
  int status = 0;
#ifdef FIXED
  while (waitpid(step, &status, 0) < 0)
    if (errno != EINTR) return -1;
#else
  if (waitpid(step, &status, 0) < 0) return -1;
#endif
  return status;
}

int main(void) {
  static const char* const kSteps[] = {"dump", "compress", "upload"};
  struct sigaction on_reload = {.sa_handler = on_hup};
  sigaction(SIGHUP, &on_reload, NULL);
  int verbose = is_verbose();

  for (size_t i = 0; i < sizeof kSteps / sizeof kSteps[0]; ++i) {
    const pid_t step = start_step();
    if (step < 0 || wait_for(step) != 0) {
      fprintf(stderr, "batch_steps: %s failed\n", kSteps[i]);
      return 1;
    }
    if (reload_wanted) verbose = is_verbose();
    if (verbose) printf("%s done\n", kSteps[i]);
  }
  return 0;
}
