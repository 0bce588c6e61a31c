// ticket_reader: reads tickets, a head and then a text, that a writer process sends through a pipe.
// Bug: after EINTR the ticket is read anew from its first byte, though a part of it has been taken
// already.
// Smallest: two deviations: the writer is preempted between head and text, and the read of the text
// is interrupted.
// By hand: gdb, break the child on its second write; kill -USR1 the parent.
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kTickets = 2, kHead = 8, kText = 24 };

static volatile sig_atomic_t refresh;

static void on_usr1(int signal_number) {
  (void)signal_number;
  refresh = 1;
}

struct Ticket {
  char head[kHead];
  char text[kText];
};

// 1: a ticket, 0: the end, -1: an error or half a ticket.
static int read_ticket(int in, struct Ticket* ticket) {
  size_t got = 0;
  while (got < sizeof *ticket) {
    const ssize_t n = read(in, (char*)ticket + got, sizeof *ticket - got);
    if (n < 0 && errno == EINTR) {
#ifndef FIXED
      got = 0;
#endif
      continue;
    }
    if (n == 0 && got == 0) return 0;
    if (n <= 0) return -1;
    got += (size_t)n;
  }
  return 1;
}

static void write_tickets(int out) {
  struct Ticket ticket;
  signal(SIGUSR1, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i <= kTickets; ++i) {
    snprintf(ticket.head, sizeof ticket.head, "#%d", i);
    snprintf(ticket.text, sizeof ticket.text, "printer %d is out of ink", i);
    if (write(out, ticket.head, sizeof ticket.head) < 0) exit(1);
    if (write(out, ticket.text, sizeof ticket.text) < 0) exit(1);
  }
  exit(0);
}

int main(void) {
  struct sigaction on_refresh = {.sa_handler = on_usr1};
  struct Ticket ticket;
  int tickets[2];
  int status = 0;
  int more;

  sigaction(SIGUSR1, &on_refresh, NULL);
  if (pipe2(tickets, O_CLOEXEC) < 0) {
    perror("ticket_reader: pipe");
    return 1;
  }
  const pid_t writer = fork();
  if (writer < 0) {
    perror("ticket_reader: fork");
    return 1;
  }
  if (writer == 0) {
    close(tickets[0]);
    write_tickets(tickets[1]);
  }
  close(tickets[1]);
  while ((more = read_ticket(tickets[0], &ticket)) > 0)
    printf("ticket %.8s: %.24s\n", ticket.head, ticket.text);
  close(tickets[0]);
  while (waitpid(writer, &status, 0) < 0 && errno == EINTR) continue;
  if (more < 0 || status != 0) fprintf(stderr, "ticket_reader: half a ticket\n");
  return more < 0 || status != 0;
}
