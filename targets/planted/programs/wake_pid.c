// `wake_pid sleeper` tells its PID through a FIFO and waits for SIGUSR1; `wake_pid waker` reads
// the PID and sends the signal.
// Bug: the waker does not look at what it has read; when the sleeper dies before it has written,
// the PID stays 0 and the signal goes to the waker's own process group.
// Smallest deviation: the sleeper is killed at its write (by hand: strace -e
// inject=write:signal=KILL).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kPatienceS = 10 };

static const char kFifo[] = "sleeper.pid";

static void die(const char* what) {
  perror(what);
  unlink(kFifo);
  exit(EXIT_FAILURE);
}

static void give_up(int number) {
  static const char kText[] = "wake_pid: nobody there\n";
  if (number == SIGALRM && write(STDERR_FILENO, kText, sizeof kText - 1) < 0) number = 0;
  unlink(kFifo);
  _exit(EXIT_FAILURE);
}

// The end of the FIFO that `flags` say; once both are open nobody needs the name.
static int meet(int flags) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  struct stat status;
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (mkfifo(kFifo, 0600) == -1 &&
      (errno != EEXIST || lstat(kFifo, &status) == -1 || !S_ISFIFO(status.st_mode))) {
    fputs("wake_pid: cannot make the FIFO\n", stderr);
    exit(EXIT_FAILURE);
  }
  alarm(kPatienceS);
  const int fd = open(kFifo, flags | O_CLOEXEC);
  if (fd == -1) die("wake_pid: open");
  unlink(kFifo);
  return fd;
}

static int sleep_until_woken(void) {
  sigset_t wake;
  const pid_t pid = getpid();
  sigemptyset(&wake);
  sigaddset(&wake, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wake, NULL);
  const int fifo = meet(O_WRONLY);
  if (write(fifo, &pid, sizeof pid) != (ssize_t)sizeof pid) die("wake_pid: write");
  if (TEMP_FAILURE_RETRY(sigwaitinfo(&wake, NULL)) == -1) die("wake_pid: sigwaitinfo");
  puts("woken");
  return EXIT_SUCCESS;
}

#ifdef FIXED
// Signals who holds the other end of `fifo`, or nobody: while that is open, the PID is its own.
static int wake(pid_t pid, int fifo) {
  struct pollfd watched = {.fd = fifo, .events = 0};
  const int process = (int)syscall(SYS_pidfd_open, pid, 0);
  if (process == -1) return -1;
  if (TEMP_FAILURE_RETRY(poll(&watched, 1, 0)) != 0) {
    errno = ESRCH;
    return -1;
  }
  return (int)syscall(SYS_pidfd_send_signal, process, SIGUSR1, NULL, 0);
}
#endif

static int wake_sleeper(void) {
  pid_t pid = 0;
  const int fifo = meet(O_RDONLY);
#ifdef FIXED
  if (TEMP_FAILURE_RETRY(read(fifo, &pid, sizeof pid)) != (ssize_t)sizeof pid) {
    fputs("wake_pid: no PID came\n", stderr);
    return EXIT_FAILURE;
  }
  if (wake(pid, fifo) == -1) die("wake_pid: wake");
#else
  if (TEMP_FAILURE_RETRY(read(fifo, &pid, sizeof pid)) == -1) die("wake_pid: read");
  if (kill(pid, SIGUSR1) == -1) die("wake_pid: kill");
#endif
  puts("sent");
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "sleeper") == 0) return sleep_until_woken();
  if (argc == 2 && strcmp(argv[1], "waker") == 0) return wake_sleeper();
  fputs("usage: wake_pid sleeper|waker\n", stderr);
  return 2;
}
