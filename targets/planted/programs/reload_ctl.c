// `reload_ctl serve` is a daemon that leaves its PID in a file and reloads at SIGHUP; `reload_ctl
// reload` reads the PID and sends the signal.
// Bug: the file outlives a daemon that was killed; its PID is then nobody's, or another process's.
// Smallest deviation: the daemon is killed once the file is there (by hand: kill -9 the daemon,
// then strace -e kill reload_ctl reload).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { kTries = 50, kPauseMs = 100 };

static const char kNewFile[] = "served.pid.new";
static const char kFile[] = "served.pid";

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

#ifdef FIXED
// Held as long as the daemon lives; F_GETLK names the holder (fcntl(2)).
static struct flock whole_file(void) {
  return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}
#endif

static void leave_pid(void) {
  const int fd = open(kNewFile, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  if (fd == -1) die("reload_ctl: open");
#ifdef FIXED
  struct flock lock = whole_file();
  if (fcntl(fd, F_SETLK, &lock) == -1) die("reload_ctl: lock");
#endif
  if (dprintf(fd, "%d\n", (int)getpid()) < 0) die("reload_ctl: write");
#ifndef FIXED
  close(fd);
#endif
  if (rename(kNewFile, kFile) == -1) die("reload_ctl: rename");
}

static int serve(void) {
  sigset_t signals;
  int number = 0;
  setlinebuf(stdout);
  sigemptyset(&signals);
  sigaddset(&signals, SIGHUP);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  leave_pid();
  while (sigwait(&signals, &number) == 0 && number == SIGHUP) puts("reloaded");
  unlink(kFile);
  return EXIT_SUCCESS;
}

// The file, once there is one.
static int open_file(void) {
  for (int i = 0; i < kTries; ++i) {
    const int fd = open(kFile, O_RDWR | O_CLOEXEC);
    if (fd != -1 || errno != ENOENT) return fd;
    poll(NULL, 0, kPauseMs);
  }
  return -1;
}

#ifdef FIXED
static pid_t holder_of(int fd) {
  struct flock lock = whole_file();
  return fcntl(fd, F_GETLK, &lock) == -1 || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

// Signals the daemon that holds the file now, and nobody else.
static int send_hup(int fd) {
  const pid_t pid = holder_of(fd);
  const int process = pid == 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
  if (process == -1 || holder_of(fd) != pid) {
    unlink(kFile);
    errno = ESRCH;
    return -1;
  }
  return (int)syscall(SYS_pidfd_send_signal, process, SIGHUP, NULL, 0);
}
#else
static int send_hup(int fd) {
  char text[16] = "";
  if (read(fd, text, sizeof text - 1) <= 0) return -1;
  const int pid = atoi(text);
  if (pid <= 1) return -1;
  return kill(pid, SIGHUP);
}
#endif

static int reload(void) {
  const int fd = open_file();
  if (fd == -1) die("reload_ctl: no daemon");
  if (send_hup(fd) == -1) die("reload_ctl: daemon");
  puts("asked to reload");
  return EXIT_SUCCESS;
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 2 && strcmp(argv[1], "reload") == 0) return reload();
  fputs("usage: reload_ctl serve|reload\n", stderr);
  return 2;
}
