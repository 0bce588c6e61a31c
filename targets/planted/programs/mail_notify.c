// mail_notify: a reader sleeps while its queue is empty; a sender rings it with a signal, but only
// when it sleeps.
// Bug: the reader looks into the queue and then says that it sleeps; mail that comes in between
// rings nobody.
// Smallest: one preemption of the reader between msgrcv and its word that it sleeps.
// By hand: gdb, break the parent on semctl until the child reads.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/pidfd.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kMails = 2 };

struct Mail {
  long type;
  char text[32];
};

static int queue = -1, asleep = -1;

static void remove_all(void) {
  msgctl(queue, IPC_RMID, NULL);
  semctl(asleep, 0, IPC_RMID);
}

static void end(int signal_number) {
  (void)signal_number;
  remove_all();
  _exit(1);
}

static void send_mails(int reader, int receipts) {
  char receipt;
  signal(SIGTERM, SIG_DFL);
  for (int i = 1; i <= kMails; ++i) {
    struct Mail mail = {.type = 1, .text = ""};
    snprintf(mail.text, sizeof mail.text, "letter %d", i);
    if (msgsnd(queue, &mail, sizeof mail.text, IPC_NOWAIT) < 0) exit(1);
    const int sleeps = semctl(asleep, 0, GETVAL);
    if (sleeps < 0 || (sleeps > 0 && pidfd_send_signal(reader, SIGUSR1, NULL, 0) < 0)) exit(1);
    if (read(receipts, &receipt, 1) != 1) exit(1);
  }
  exit(0);
}

// 1: a mail, 0: there is none, -1: the queue or the sender is gone.
static int take_mail(int receipts) {
  struct Mail mail;
  if (msgrcv(queue, &mail, sizeof mail.text, 0, IPC_NOWAIT) < 0) return errno == ENOMSG ? 0 : -1;
  printf("got %.32s\n", mail.text);
  return write(receipts, "r", 1) == 1 ? 1 : -1;
}

// Sleeps until the bell rings: 0, or until the sender has ended: -1.
static int doze(const sigset_t* bell, int receipts) {
  int woken = 0;
  if (semctl(asleep, 0, SETVAL, 1) < 0) return -1;
#ifdef FIXED
  const int came = take_mail(receipts);
  if (came < 0) return -1;
  if (came == 0) woken = sigwaitinfo(bell, NULL);
#else
  (void)receipts;
  woken = sigwaitinfo(bell, NULL);
#endif
  if (semctl(asleep, 0, SETVAL, 0) < 0) return -1;
  return woken == SIGCHLD ? -1 : 0;
}

static void read_mails(const sigset_t* bell, int receipts) {
  int came;
  do
    while ((came = take_mail(receipts)) > 0) continue;
  while (came == 0 && doze(bell, receipts) == 0);
}

int main(void) {
  struct sigaction on_end = {.sa_handler = end, .sa_flags = SA_RESTART};
  int receipts[2];
  int status = 1;
  sigset_t bell;

  signal(SIGPIPE, SIG_IGN);
  sigaction(SIGTERM, &on_end, NULL);
  sigemptyset(&bell);
  sigaddset(&bell, SIGUSR1);
  sigaddset(&bell, SIGCHLD);
  sigprocmask(SIG_BLOCK, &bell, NULL);
  const int self = pidfd_open(getpid(), 0);
  queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
  asleep = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
  const int made = self >= 0 && queue >= 0 && asleep >= 0 && pipe2(receipts, O_CLOEXEC) == 0;
  const pid_t sender = made ? fork() : -1;
  if (sender == 0) {
    close(receipts[1]);
    send_mails(self, receipts[0]);
  }
  if (sender > 0) {
    close(receipts[0]);
    read_mails(&bell, receipts[1]);
    close(receipts[1]);
    while (waitpid(sender, &status, 0) < 0 && errno == EINTR) continue;
  }
  remove_all();
  if (status != 0) fprintf(stderr, "mail_notify: the sender failed\n");
  return status == 0 ? 0 : 1;
}
