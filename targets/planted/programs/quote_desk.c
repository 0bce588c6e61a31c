// A desk answers two clients over one queue. A client sends its item, then the amount, and waits
// for the sum under its own message type.
// Bug: the desk remembers whose item came last and sends the sum to that client; when the messages
// of the two interleave, one gets both sums and the other waits for ever.
// Smallest deviation: the first client is preempted between its two messages (by hand: a
// breakpoint on its second msgsnd).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kClients = 2, kItems = 3, kPatienceS = 30 };
enum { kItem = 1, kAmount = 2, kSum = 10 };  // message types; kSum + client for the answers

struct message {
  long type;
  int client;
  int value;
};

static const size_t kMessageSize = sizeof(struct message) - sizeof(long);
static const int kPrices[kItems] = {5, 20, 300};
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
  queue = msgget(IPC_PRIVATE, 0600);
  if (queue == -1) die("quote_desk: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void send_message(long type, int client, int value) {
  const struct message message = {.type = type, .client = client, .value = value};
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &message, kMessageSize, 0)) == -1) die("quote_desk: msgsnd");
}

static struct message receive(long type) {
  struct message message;
  if (TEMP_FAILURE_RETRY(msgrcv(queue, &message, kMessageSize, type, 0)) == -1)
    die("quote_desk: msgrcv");
  return message;
}

static int ask(int client) {
  const int item = client + 1;
  const int amount = 2 + client;
  send_message(kItem, client, item);
  send_message(kAmount, client, amount);
  return receive(kSum + client).value == kPrices[item] * amount ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void answer(void) {
  int items[kClients] = {0};
  int client = 0;
  for (int answered = 0; answered < kClients;) {
    const struct message message = receive(-kAmount);
    if (message.client < 0 || message.client >= kClients) die("quote_desk: unknown client");
    if (message.type == kItem) {
      if (message.value < 0 || message.value >= kItems) die("quote_desk: unknown item");
      client = message.client;
      items[client] = message.value;
      continue;
    }
#ifdef FIXED
    client = message.client;
#endif
    send_message(kSum + client, client, kPrices[items[client]] * message.value);
    ++answered;
  }
}

int main(void) {
  pid_t pids[kClients];
  int failed = 0;
  make_queue();
  for (int client = 0; client < kClients; ++client) {
    pids[client] = fork();
    if (pids[client] == -1) die("quote_desk: fork");
    if (pids[client] == 0) {
#ifdef FIXED
      alarm(kPatienceS);
#endif
      return ask(client);
    }
  }
#ifdef FIXED
  alarm(kPatienceS);  // a client that died asks no more
#endif
  answer();
  for (int client = 0; client < kClients; ++client) {
    int status = 0;
    TEMP_FAILURE_RETRY(waitpid(pids[client], &status, 0));
    printf("client %d %s\n", client, status == 0 ? "got its sum" : "failed");
    failed |= status != 0;
  }
  msgctl(queue, IPC_RMID, NULL);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
