// Asks a rate server for three rates over one queue; each second without an answer it asks again,
// since the request may have met a server that was just being replaced.
// Bug: an answer does not say what it answers; after a second request the late second answer is
// taken for that to the next question.
// Smallest deviation: the client's msgrcv is interrupted before the server has answered (by hand:
// strace -e inject=msgrcv:error=EINTR:when=1).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kQuestions = 3, kTries = 20, kPatienceS = 60 };
enum { kAsk = 1, kStop = 2, kAnswer = 3 };

struct message {
  long type;
  int question;
  int rate;
};

static const size_t kMessageSize = sizeof(struct message) - sizeof(long);
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

static void tick(int number) { (void)number; }

static void handle(int number, void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaction(number, &action, NULL);
}

static void make_queue(void) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  handle(SIGINT, give_up);
  handle(SIGTERM, give_up);
  queue = msgget(IPC_PRIVATE, 0600);
  if (queue == -1) die("rate_client: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void send_message(long type, int question, int rate) {
  const struct message message = {.type = type, .question = question, .rate = rate};
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &message, kMessageSize, 0)) == -1)
    die("rate_client: msgsnd");
}

static int serve(void) {
  struct message request;
  handle(SIGALRM, give_up);
  alarm(kPatienceS);
  for (;;) {
    if (TEMP_FAILURE_RETRY(msgrcv(queue, &request, kMessageSize, -kStop, 0)) == -1)
      die("rate_client: server");
    if (request.type == kStop) return EXIT_SUCCESS;
    send_message(kAnswer, request.question, 100 + 11 * request.question);
  }
}

// The rate, or -1 without an answer.
static int ask(int question) {
  struct message answer;
  for (int tries = 0; tries < kTries; ++tries) {
    send_message(kAsk, question, 0);
    while (msgrcv(queue, &answer, kMessageSize, kAnswer, 0) != -1) {
#ifdef FIXED
      if (answer.question != question) continue;
#endif
      return answer.rate;
    }
    if (errno != EINTR) die("rate_client: msgrcv");
  }
  return -1;
}

int main(void) {
  const struct itimerval second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
  struct message late;
  int status = 0;
  int failed = 0;
  make_queue();
  handle(SIGALRM, tick);
  const pid_t server = fork();
  if (server == -1) die("rate_client: fork");
  if (server == 0) return serve();
  setitimer(ITIMER_REAL, &second, NULL);  // repeats: one that comes before msgrcv does no harm
  for (int question = 1; question <= kQuestions; ++question) {
    const int rate = ask(question);
    printf("rate %d: %d\n", question, rate);
    if (rate == -1) die("rate_client: no answer");
  }
  send_message(kStop, 0, 0);
  TEMP_FAILURE_RETRY(waitpid(server, &status, 0));
  failed = status != 0;
  while (TEMP_FAILURE_RETRY(msgrcv(queue, &late, kMessageSize, 0, IPC_NOWAIT)) != -1) continue;
  msgctl(queue, IPC_RMID, NULL);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
