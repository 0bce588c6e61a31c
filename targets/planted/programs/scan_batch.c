// Two scanners send pages through one message queue to a filer, who acknowledges each batch of
// three through the scanner's pipe. Four pages fill the queue.
// Bug: the scanner must not wait for room, it thinks, and tries again at once while msgsnd says
// EAGAIN: it burns its processor until the filer happens to run.
// Smallest deviation: the second scanner runs before the filer has taken the first one's batch (by
// hand: a breakpoint on the filer's msgrcv).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kScanners = 2, kBatches = 2, kBatch = 3, kPageSize = 4000, kPatienceS = 30 };

struct page {
  long type;
  int scanner;
  char image[kPageSize];
};

static const size_t kSentSize = sizeof(struct page) - sizeof(long);
static int queue = -1;
static int acks[kScanners][2];

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
  if (queue == -1) die("scan_batch: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void send_page(const struct page* page) {
#ifdef FIXED
  if (TEMP_FAILURE_RETRY(msgsnd(queue, page, kSentSize, 0)) == -1) die("scan_batch: msgsnd");
#else
  while (msgsnd(queue, page, kSentSize, IPC_NOWAIT) == -1)
    if (errno != EAGAIN && errno != EINTR) die("scan_batch: msgsnd");
#endif
}

static int scan(int scanner) {
  struct page page = {.type = 1, .scanner = scanner};
  char ack = 0;
  for (int i = 0; i < kScanners; ++i) {
    close(acks[i][1]);
    if (i != scanner) close(acks[i][0]);
  }
  for (int batch = 0; batch < kBatches; ++batch) {
    for (int i = 0; i < kBatch; ++i) send_page(&page);
    if (TEMP_FAILURE_RETRY(read(acks[scanner][0], &ack, 1)) != 1) return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

static void start_scanner(int scanner) {
  const pid_t pid = fork();
  if (pid == -1) die("scan_batch: fork");
  if (pid == 0) {
    alarm(kPatienceS);
    _exit(scan(scanner));
  }
}

int main(void) {
  int pages[kScanners] = {0};
  int failed = 0;
  struct page page;
  make_queue();
  for (int i = 0; i < kScanners; ++i)
    if (pipe(acks[i]) == -1) die("scan_batch: pipe");
  for (int i = 0; i < kScanners; ++i) start_scanner(i);
  for (int i = 0; i < kScanners; ++i) close(acks[i][0]);
  alarm(kPatienceS);
  for (int left = kScanners * kBatches * kBatch; left > 0; --left) {
    if (TEMP_FAILURE_RETRY(msgrcv(queue, &page, kSentSize, 0, 0)) == -1) die("scan_batch: msgrcv");
    if (page.scanner < 0 || page.scanner >= kScanners) die("scan_batch: unknown scanner");
    if (++pages[page.scanner] % kBatch == 0 && write(acks[page.scanner][1], "", 1) == -1)
      die("scan_batch: ack");
  }
  for (int i = 0; i < kScanners; ++i) {
    int status = 0;
    TEMP_FAILURE_RETRY(wait(&status));
    failed |= status != 0;
  }
  msgctl(queue, IPC_RMID, NULL);
  for (int i = 0; i < kScanners; ++i) printf("scanner %d: %d pages\n", i, pages[i]);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
