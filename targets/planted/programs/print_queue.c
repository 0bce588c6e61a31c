// A dispatcher queues jobs for a printer, at most two ahead; the printer takes the lowest message
// type first and acknowledges each job through a pipe.
// Bug: "stop" has a lower type than a job, so it overtakes a job that still waits, which is then
// lost with the queue.
// Smallest deviation: the printer is preempted before it takes the last job (by hand: a breakpoint
// on its msgrcv).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kJobs = 4, kAhead = 2, kPatienceS = 30 };
#ifdef FIXED
enum { kJob = 1, kStop = 2 };
#else
enum { kStop = 1, kJob = 2 };
#endif

struct job {
  long type;
  int number;
};

static const size_t kJobSize = sizeof(struct job) - sizeof(long);
static int queue = -1;

static void give_up(int number) {
  (void)number;
  msgctl(queue, IPC_RMID, NULL);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_queue(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  queue = msgget(IPC_PRIVATE, 0600);
  if (queue == -1) die("print_queue: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static int print_jobs(int acks) {
  struct job job;
  for (;;) {
    if (TEMP_FAILURE_RETRY(msgrcv(queue, &job, kJobSize, -2, 0)) == -1) die("print_queue: msgrcv");
    if (job.type == kStop) return EXIT_SUCCESS;
    printf("page %d\n", job.number);
    if (TEMP_FAILURE_RETRY(write(acks, "", 1)) != 1) return EXIT_FAILURE;
  }
}

static void send_job(long type, int number) {
  const struct job job = {.type = type, .number = number};
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &job, kJobSize, 0)) == -1) die("print_queue: msgsnd");
}

static int wait_for_ack(int acks) {
  char ack = 0;
  return TEMP_FAILURE_RETRY(read(acks, &ack, 1)) == 1;
}

// How many jobs were printed.
static int dispatch(int acks) {
  int printed = 0;
  for (int sent = 0; sent < kJobs;) {
    send_job(kJob, ++sent);
    if (sent - printed < kAhead) continue;
    if (!wait_for_ack(acks)) return printed;
    ++printed;
  }
  send_job(kStop, 0);
  while (wait_for_ack(acks)) ++printed;
  return printed;
}

int main(void) {
  int acks[2];
  int status = 0;
  if (pipe(acks) == -1) {
    perror("print_queue: pipe");
    return EXIT_FAILURE;
  }
  make_queue();
  const pid_t pid = fork();
  if (pid == -1) die("print_queue: fork");
  alarm(kPatienceS);
  if (pid == 0) {
    close(acks[0]);
    return print_jobs(acks[1]);
  }
  close(acks[1]);
  const int printed = dispatch(acks[0]);
  TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
  msgctl(queue, IPC_RMID, NULL);
  printf("%d of %d printed\n", printed, kJobs);
  return status == 0 && printed == kJobs ? EXIT_SUCCESS : EXIT_FAILURE;
}
