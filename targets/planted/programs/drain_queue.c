// drain_queue: a master gives jobs to a worker through a queue, waits until none is open, prints
// the results.
// Bug: a job counts as done when the worker has taken it; the master then removes the queues while
// the last result is still to be sent.
// Smallest: one preemption of the worker between its semaphore operation and its last msgsnd.
// By hand: gdb, break the child on the third msgsnd until the parent has ended.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kJobs = 3, kPatienceS = 10, kTryUs = 100000 };

struct Message {
  long type;
  int number;
};
static const size_t kSize = sizeof(int);

static int jobs = -1, results = -1, open_jobs = -1;

static void remove_all(void) {
  msgctl(jobs, IPC_RMID, NULL);
  msgctl(results, IPC_RMID, NULL);
  semctl(open_jobs, 0, IPC_RMID);
}

static void end(int signal_number) {
  (void)signal_number;
  remove_all();
  _exit(1);
}

static void job_done(void) {
  struct sembuf one = {.sem_num = 0, .sem_op = -1, .sem_flg = IPC_NOWAIT};
  while (semop(open_jobs, &one, 1) < 0 && errno == EINTR) continue;
}

static void work(pid_t master) {
  struct Message message;
  while (getppid() == master) {
    if (msgrcv(jobs, &message, kSize, 0, IPC_NOWAIT) < 0) {
      if (errno != ENOMSG && errno != EINTR) exit(0);  // the queue is gone: no more jobs
      usleep(kTryUs);
      continue;
    }
#ifndef FIXED
    job_done();
#endif
    message.number *= message.number;
    if (msgsnd(results, &message, kSize, IPC_NOWAIT) < 0) exit(0);
#ifdef FIXED
    job_done();
#endif
  }
  exit(1);
}

static int wait_until_done(void) {
  struct sembuf none = {.sem_num = 0, .sem_op = 0, .sem_flg = 0};
  const struct timespec second = {.tv_sec = 1, .tv_nsec = 0};
  for (int i = 0; i < kPatienceS; ++i) {
    if (semtimedop(open_jobs, &none, 1, &second) == 0) return 0;
    if (errno != EAGAIN && errno != EINTR) break;
  }
  return -1;
}

static int serve(void) {
  struct Message message = {.type = 1, .number = 0};
  if (jobs < 0 || results < 0 || open_jobs < 0 || semctl(open_jobs, 0, SETVAL, kJobs) < 0)
    return -1;
  for (message.number = 1; message.number <= kJobs; ++message.number)
    if (msgsnd(jobs, &message, kSize, IPC_NOWAIT) < 0) return -1;
  if (wait_until_done() < 0) return -1;
  while (msgrcv(results, &message, kSize, 0, IPC_NOWAIT) >= 0)
    printf("result %d\n", message.number);
  return 0;
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  const pid_t master = getpid();
  int status = 0;

  sigaction(SIGTERM, &on_end, NULL);
  jobs = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  results = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  open_jobs = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  const pid_t worker = fork();
  if (worker == 0) {
    signal(SIGTERM, SIG_DFL);
    work(master);
  }
  const int failed = worker < 0 ? -1 : serve();
  remove_all();
  while (worker > 0 && waitpid(worker, &status, 0) < 0 && errno == EINTR) continue;
  if (failed || status != 0) fprintf(stderr, "drain_queue: the worker failed\n");
  return failed || status != 0;
}
