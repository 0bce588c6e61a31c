// Four robots of a lab share four tools, one semaphore each; every job needs two neighbours: robot
// 0 needs tools 0 and 1, robot 1 needs 1 and 2, and so on round to robot 3, which needs 3 and 0.
// Bug: a robot takes its tools one after the other, so that all four can hold one and wait.
// Smallest deviation: three preemptions, robots 0, 1 and 2 each between first and second tool (by
// hand: strace -e inject=semtimedop:delay_exit=200000).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRobots = 4, kJobs = 2 };

static int tools = -1;

static void give_up(int number) {
  (void)number;
  semctl(tools, 0, IPC_RMID);
  _exit(EXIT_FAILURE);
}

static void make_tools(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  unsigned short all_free[kRobots] = {1, 1, 1, 1};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  tools = semget(IPC_PRIVATE, kRobots, 0600);
  if (tools == -1 || semctl(tools, 0, SETALL, all_free) == -1) {
    perror("lab_tools: semaphores");
    give_up(0);
  }
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void operate(struct sembuf* operations, size_t count) {
  if (TEMP_FAILURE_RETRY(semop(tools, operations, count)) == 0) return;
  perror("lab_tools: semop");
  exit(EXIT_FAILURE);
}

static void do_job(int robot) {
  const unsigned short left = (unsigned short)robot;
  const unsigned short right = (unsigned short)((robot + 1) % kRobots);
  struct sembuf take[2] = {{left, -1, SEM_UNDO}, {right, -1, SEM_UNDO}};
  struct sembuf put[2] = {{left, 1, SEM_UNDO}, {right, 1, SEM_UNDO}};
#ifdef FIXED
  operate(take, 2);
#else
  operate(&take[0], 1);
  operate(&take[1], 1);
#endif
  operate(put, 2);
}

int main(void) {
  int done = 0;
  make_tools();
  for (int robot = 0; robot < kRobots; ++robot) {
    const pid_t pid = fork();
    if (pid == -1) {
      perror("lab_tools: fork");
      give_up(0);
    }
    if (pid == 0) {
      for (int job = 0; job < kJobs; ++job) do_job(robot);
      return EXIT_SUCCESS;
    }
  }
  for (int robot = 0; robot < kRobots; ++robot) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    if (status == 0) ++done;
  }
  semctl(tools, 0, IPC_RMID);
  printf("%d of %d robots done\n", done, kRobots);
  return done == kRobots ? EXIT_SUCCESS : EXIT_FAILURE;
}
